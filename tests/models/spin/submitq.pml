/* SPDX-License-Identifier: MIT */
/*
 * spin: the submission queue of a context, closing the file, and loss of the device.
 *
 * A client submits N commands, each with a dependency or without, and closes the file, or is killed.
 * Dependencies signal in any order, at any time (which is after everything else as well). The
 * device may be lost at any time. The queue below answers what it gets, at some time.
 *
 * Proved for each order of steps:
 *
 *   - commands are posted in the order of the ioctls, none before its dependency has signalled
 *     unless the device is lost; a killed client's are cancelled;
 *   - CTX_DESTROY is sent once, after all commands unless these are cancelled;
 *   - each fence is completed once;
 *   - after loss no command waits, even for a dependency that never signals (NEVER);
 *   - nor does one wait for ever for a fence of the same context that the host keeps (KEPT);
 *   - in the end each entry is freed, and so is the closed context.
 *
 * The check of vgpu_submitqs_advance() for waiting commands is made without the lock; spin reads and
 * writes in one order, the litmus test submitq-lost shows that the barriers make it one.
 *
 * Planted: PLANT_EMPTY, an entry leaves the list before it is posted; PLANT_FIRST, only the first
 * entry adds its callback; PLANT_ADVANCE, loss does not wake submission queues; PLANT_REAP, a closed
 * context whose commands wait after CTX_DESTROY was answered is not looked at again (as before this
 * model); PLANT_ABANDON, the fences of a closed context end only when no command waits.
 *
 * Of: drivers/gpu/drm/virtio/protocol/vgpu_submitq.c: vgpu_submitq_add
 * Of: drivers/gpu/drm/virtio/protocol/vgpu_submitq.c: vgpu_submitq_is_ready_locked
 * Of: drivers/gpu/drm/virtio/protocol/vgpu_submitq.c: vgpu_submitq_execute_locked
 * Of: drivers/gpu/drm/virtio/protocol/vgpu_submitq.c: vgpu_submitq_advance
 * Of: drivers/gpu/drm/virtio/protocol/vgpu_submitq.c: vgpu_submitq_release_work
 * Of: drivers/gpu/drm/virtio/protocol/vgpu_submitq.c: vgpu_submitq_work vgpu_submitqs_advance
 * Of: drivers/gpu/drm/virtio/protocol/vgpu_submitq.c: vgpu_submitq_close
 * Of: drivers/gpu/drm/virtio/protocol/vgpu_submitq.h: vgpu_submitq_prepare vgpu_submitq_post
 * Of: drivers/gpu/drm/virtio/object/vgpu_context.c: vgpu_context_leave
 * Of: drivers/gpu/drm/virtio/object/vgpu_context.c: vgpu_context_linger_locked
 * Of: drivers/gpu/drm/virtio/object/vgpu_context.c: vgpu_context_owner_outcome
 * Of: drivers/gpu/drm/virtio/object/vgpu_context.c: vgpu_context_time_left vgpu_context_lose
 * Of: drivers/gpu/drm/virtio/object/vgpu_context.c: vgpu_context_abandon
 * Of: drivers/gpu/drm/virtio/object/vgpu_contexts.c: vgpu_contexts_reap_locked
 * Of: drivers/gpu/drm/virtio/object/vgpu_contexts.c: vgpu_contexts_reap_due vgpu_contexts_close
 * Of: drivers/gpu/drm/virtio/protocol/vgpu_cmdq.c: vgpu_cmdq_fail
 */
#ifndef N
#define N	3
#endif

mtype = { NONE, WAITING, POSTED, CANCELLED };

/* Commands, and the fences they wait for. */
mtype cmd[N] = NONE;
bit has_dep[N], signalled[N], called_back[N];
bit answered[N], released[N];
byte submitted, next_post;	/* order of the ioctls, order of the posts */

/* The submission queue. */
chan waiting = [N] of { byte };
bit locked;
bit last, dropping;		/* CTX_DESTROY waits for its turn; a killed client */
byte work;			/* the work is queued, or runs */
bit release_work;

/* The context. */
bit closed, destroy_sent, destroyed, freed;
bit reap;			/* the work is queued */
bit lost, context_lost;

#define IS_DONE(e)	(answered[e] && released[e])
#if N > 2
#define ALL_DONE	(IS_DONE(0) && IS_DONE(1) && IS_DONE(2))
#else
#define ALL_DONE	(IS_DONE(0) && IS_DONE(1))
#endif
#define IS_BUSY		(len(waiting) > 0)
#define IS_READY(e)	(!has_dep[e] || signalled[e] || lost)

/* vgpu_submitq_is_ready_locked(): adds the callback of the first entry */
inline check_ready(e)
{
	if
	:: IS_READY(e) -> ready = 1
	:: else -> ready = 0; called_back[e] = 1
	fi
}

/* vgpu_cmd_post_fenced() and vgpu_cmd_cancel() */
inline post(e)
{
	assert(cmd[e] == WAITING || cmd[e] == NONE);
	assert(e == next_post);
	next_post++;
	assert(dropping || !destroy_sent || lost);
	if
	:: dropping -> cmd[e] = CANCELLED; answered[e] = 1
	:: else -> cmd[e] = POSTED
	fi
}

inline send_destroy()
{
	assert(!destroy_sent);
	destroy_sent = 1
}

/* Two works of one queue do not run at once; queueing one that runs lets it run again. */
inline queue_work()
{
	work = 1
}

/* vgpu_submitq_prepare() and vgpu_submitq_post() */
proctype Client()
{
	byte e;
	bit ready, direct;

	do
	:: e < N ->
		if
		:: has_dep[e] = 1
		:: skip
		fi;
		/* Whether to take an entry is decided early, without the lock. */
		direct = !has_dep[e] && !IS_BUSY;
		atomic {
			if
			:: direct -> post(e); released[e] = 1
			:: else ->
				cmd[e] = WAITING;
				waiting!e;
				if
				:: len(waiting) == 1 ->
					check_ready(e);
					if
					:: ready -> queue_work()
					:: else
					fi
				:: else
				fi
			fi;
			ready = 0;
			direct = 0
		}
		e++
	:: else -> break
	od;
	/* vgpu_context_leave(), vgpu_submitq_close() */
	atomic {
		if
		:: context_lost
		:: !context_lost ->
			if
			:: dropping = 1
			:: skip
			fi;
			if
			:: dropping || !IS_BUSY -> send_destroy()
			:: else -> last = 1
			fi
		fi
	}
	/* vgpu_contexts_close(), vgpu_contexts_reap_due() */
	closed = 1;
	reap = 1
}

/* dma_fence_signal() of a dependency: vgpu_submitq_dep_signalled() */
inline signal(e)
{
	signalled[e] = 1;
	if
	:: called_back[e] -> queue_work()
	:: else
	fi
}

proctype Dependencies()
{
end:	do
	:: atomic { has_dep[0] && !signalled[0] -> signal(0) }
#if !defined(KEPT) && (N > 2 || !defined(NEVER))
	:: atomic { has_dep[1] && !signalled[1] -> signal(1) }
#endif
#if N > 2 && !defined(NEVER)
	:: atomic { has_dep[2] && !signalled[2] -> signal(2) }
#endif
	od
}

/* vgpu_submitq_work() */
proctype Work()
{
	byte e;
	bit ready, posted;

end:	do
	:: atomic { work == 1 -> work = 2 }
	   do
	   :: atomic {
		ready = 0;
		if
		:: IS_BUSY ->
			waiting?<e>;
#ifdef PLANT_FIRST
			ready = IS_READY(e)
#else
			check_ready(e)
#endif
		:: else
		fi;
		if
		:: ready ->
			/* vgpu_submitq_execute_locked() */
#ifdef PLANT_EMPTY
			waiting?e
#else
			post(e);
			if
			:: last && len(waiting) == 1 -> last = 0; send_destroy()
			:: else
			fi;
			waiting?e
#endif
		:: else
		fi
	      }
#ifdef PLANT_EMPTY
	      if
	      :: ready -> atomic { post(e);
		if
		:: last && !IS_BUSY -> last = 0; send_destroy()
		:: else
		fi }
	      :: else
	      fi;
#endif
	      if
	      :: ready -> posted = 1
	      :: else -> break
	      fi
	   od;
	   atomic {
		if
		:: posted -> release_work = 1; posted = 0
		:: else
		fi;
		/* Queued again while it ran? */
		if
		:: work == 2 -> work = 0
		:: else
		fi;
		e = 0
	   }
	od
}

/* vgpu_submitq_release_work() */
proctype ReleaseWork()
{
	byte e;

end:	do
	:: atomic {
		release_work ->
		release_work = 0;
		e = 0;
		do
		:: e < N ->
			if
			:: (cmd[e] == POSTED || cmd[e] == CANCELLED) -> released[e] = 1
			:: else
			fi;
			e++
		:: else -> break
		od;
		e = 0
	   }
	od
}

/* The queue and the device: each command is answered, in order here. */
proctype Queue()
{
	byte e;

end:	do
	:: atomic { e < N && cmd[e] == POSTED -> assert(!answered[e]); answered[e] = 1; e++ }
	:: atomic { e < N && cmd[e] == CANCELLED -> e++ }
	:: atomic {
		/* vgpu_context_owner_outcome() */
		destroy_sent && !destroyed ->
		destroyed = 1;
		reap = 1
	   }
	od
}

#ifdef LOSS
/* vgpu_cmdq_fail() with vgpu_submitqs_advance(), then vgpu_contexts_lose() */
proctype Lose()
{
	lost = 1;
#ifndef PLANT_ADVANCE
	if
	:: IS_BUSY -> queue_work()
	:: else
	fi;
#endif
	atomic {
		context_lost = !destroy_sent && !last;
		/* The answer to CTX_DESTROY reaps; a lost context gets none. */
		if
		:: closed -> reap = 1
		:: else
		fi
	}
}
#endif

/* vgpu_contexts_reap_due(): some time after it is queued, and every second if it says so */
proctype Reap()
{
end:	do
	:: reap ->
	   reap = 0;
	   atomic {
		if
		:: closed && !freed && IS_BUSY ->
#if defined(KEPT) && !defined(PLANT_ABANDON)
			/* vgpu_context_abandon(), some time after the file was closed */
			if
			:: (destroyed || last) && has_dep[1] && !signalled[1] -> signal(1)
			:: else
			fi;
#endif
			/* Of the looks every second, those that may change something. */
			if
			:: context_lost -> reap = 1
#if !defined(PLANT_REAP) && !defined(PLANT_ABANDON)
			:: destroyed -> reap = 1
#endif
			:: else
			fi
		:: closed && !freed && !IS_BUSY ->
			if
			:: destroyed || context_lost -> freed = 1
			:: else
			fi
		:: else
		fi
	   }
	od
}

/* In the end. */
proctype Check()
{
	freed && !IS_BUSY && ALL_DONE;
	assert(next_post == N && (destroy_sent || context_lost))
}

init
{
	atomic {
		run Client();
		run Dependencies();
		run Work();
		run ReleaseWork();
		run Queue();
#ifdef LOSS
		run Lose();
#endif
		run Reap();
		run Check()
	}
}
