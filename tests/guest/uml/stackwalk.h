/* SPDX-License-Identifier: MIT */
/*
 * Put into arch/um/kernel/stacktrace.c by tests/guest/uml/kernel-source.
 *
 * UML saves a stack trace by testing every word of the stack for being a text
 * address. KASAN, lockdep, kmemleak and page owner save one at each allocation
 * and lock, which makes a debug kernel ten times slower than need be. With
 * frame pointers the chain of frames says the same in a dozen steps.
 */

static noinline void vgpu_stack_walk(struct task_struct *tsk, struct stack_trace *trace)
{
	unsigned long fp, end;

	/* Not the registers of a fault: only this call's own chain is wanted. */
	fp = get_frame_pointer(tsk, NULL);
	end = (fp | (THREAD_SIZE - 1)) - sizeof(struct stack_frame);

	while (fp && IS_ALIGNED(fp, sizeof(long)) && fp < end &&
	       trace->nr_entries < trace->max_entries) {
		const struct stack_frame *frame = (const struct stack_frame *)fp;
		unsigned long addr = READ_ONCE_NOCHECK(frame->return_address);
		unsigned long next = (unsigned long)READ_ONCE_NOCHECK(frame->next_frame);

		if (!__kernel_text_address(addr))
			break;
		trace->entries[trace->nr_entries++] = addr;
		/* Frames of callers lie above; anything else ends the chain. */
		if (next <= fp)
			break;
		fp = next;
	}
}
