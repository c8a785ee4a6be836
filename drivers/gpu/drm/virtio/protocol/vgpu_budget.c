// SPDX-License-Identifier: GPL-2.0-only OR MIT
/**
 * DOC: budgets
 *
 * A budget bounds what a process has in flight, so that a stalled host does not use up the
 * memory of the guest: the number of commands, and the bytes of commands and of the pages of new
 * resources. The calling process is charged for a command, whatever file it calls on, from the
 * time when the command is posted or begins to wait for its dependency until the host has
 * answered. A process over its budget is throttled: it waits at the entry of the next ioctl that
 * adds a command, before the ioctl takes a lock or allocates. Closing a file is charged, but does
 * not wait: it sends one command for each object, and the ioctl that created the object has waited.
 *
 * While all processes together exceed the ceiling of the device, the waiting processes share the
 * ceiling equally, so a process that floods does not take the share of another.
 *
 * Commands that the kernel sends on its own are charged to no process.
 *
 * A host may hold a command for hours, and a held command keeps its place in the ring. So a process
 * that submits work is throttled in three more cases, which leave a part of the ring to the
 * display, to teardown, and to other processes:
 *
 * - Less than a quarter of the ring is free. Then each process may have a few commands in flight
 *   besides the held ones.
 * - The host holds commands of the process. Then the process may have an eighth of the ring in
 *   flight, and one more for each command that the host has answered since it last began to hold
 *   a command of the process. A new process starts with an eighth of the ring, too. A proxy such as
 *   muvm has a POLL pending for each of its clients, and must serve all of them by one thread. So a
 *   process may always have a few commands besides the held ones, up to three eighths of the ring,
 *   and two more than it had in flight when the host was last seen to answer it.
 * - Held commands occupy half of the ring, and the host has answered no command of the process
 *   since it last began to hold one, or at all. Then the process may have two more in flight than
 *   when the host was last seen to answer it; if it never was, one, or one beside a held one. It
 *   may have none if held commands occupy three quarters of the ring.
 *
 * Once in 2^32 fences a process also waits here for an id of a global fence, see vgpu_fence_id.h.
 *
 * Models in tests/models/: litmus/fence-ids-wake.litmus, litmus/throttle-wake.litmus,
 * spin/budget.pml.
 */

#include <linux/atomic.h>
#include <linux/bits.h>
#include <linux/cleanup.h>
#include <linux/hashtable.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/moduleparam.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/refcount.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/wait.h>

#include <drm/drm_print.h>

#include "debug/vgpu_trace.h"
#include "protocol/vgpu_budget.h"
#include "protocol/vgpu_cmd_priv.h"

static unsigned int vgpu_budget_commands = 1024;
module_param_named(context_budget, vgpu_budget_commands, uint, 0644);
MODULE_PARM_DESC(context_budget, "Commands a process may have in flight (default 1024)");

static unsigned int vgpu_budget_mib = 64;
module_param_named(context_mib, vgpu_budget_mib, uint, 0644);
MODULE_PARM_DESC(context_mib, "MiB a process may have in flight (default 64)");

/* The ceiling of the device, in budgets of a process. */
#define VGPU_BUDGET_CEILING	8

/* Commands that a process may have in flight even if many processes share the ceiling. */
#define VGPU_BUDGET_LEAST	8

/* Submissions and transfers that a process may have besides held ones, also in a crowded ring. */
#define VGPU_BUDGET_SHARE	8

/* &vgpu_budget.earned stops here: a ring holds no more commands. */
#define VGPU_BUDGET_EARNED_MAX	1024

/* A load has the number of commands in the bits from here up, and the bytes in those below. */
#define VGPU_BUDGET_SHIFT	40

/**
 * struct vgpu_budgets - The budgets of all processes that use a device
 * @lock: protects changes of @by_tgid
 * @by_tgid: the budgets; read under RCU
 * @load: commands and bytes of all budgets together, see vgpu_budget_load()
 * @nr_waiting: number of processes that wait at the entry of an ioctl
 * @entry: wait queue of these processes
 */
struct vgpu_budgets {
	spinlock_t lock;
	DECLARE_HASHTABLE(by_tgid, 6);
	atomic64_t load;
	atomic_t nr_waiting;
	wait_queue_head_t entry;
};

/**
 * struct vgpu_budget - Commands and bytes that a process has in flight
 * @q: the queues of the device, constant
 * @ref: one for each file that the process opened, one for each charge
 * @tgid: id of the process, constant. After the end of the process another one may get the id,
 *        and is then charged for what is still in flight
 * @node: entry of &vgpu_budgets.by_tgid
 * @load: commands and bytes, see vgpu_budget_load()
 * @nr_waiting: number of threads that wait at the entry of an ioctl
 * @work: number of submissions and transfers in the queue
 * @nr_held: how many submissions and transfers the host holds, see VGPU_VQ_HELD_MS
 * @seen_held: value of @nr_held when vgpu_budget_window() last ran
 * @earned: how many submissions and transfers the host has answered since it last began to hold
 *          one, up to VGPU_BUDGET_EARNED_MAX
 * @proven: how many submissions and transfers were in the queue when the host last answered one
 * @rcu: frees it
 */
struct vgpu_budget {
	struct vgpu_cmdq *q;
	refcount_t ref;
	pid_t tgid;
	struct hlist_node node;
	atomic64_t load;
	atomic_t nr_waiting;
	atomic_t work;
	atomic_t nr_held;
	u32 seen_held;
	u32 earned;
	u32 proven;
	struct rcu_head rcu;
};

static s64 vgpu_budget_load(unsigned int commands, size_t size_bytes)
{
	return ((s64)commands << VGPU_BUDGET_SHIFT) + size_bytes;
}

static u32 vgpu_load_commands(const atomic64_t *load)
{
	return atomic64_read(load) >> VGPU_BUDGET_SHIFT;
}

static u64 vgpu_load_bytes(const atomic64_t *load)
{
	return atomic64_read(load) & GENMASK_ULL(VGPU_BUDGET_SHIFT - 1, 0);
}

/**
 * vgpu_budgets_create() - Create the budgets of a device
 *
 * Context: process, may sleep.
 * Return: the budgets, for kfree(), or NULL without memory.
 */
struct vgpu_budgets *vgpu_budgets_create(void)
{
	struct vgpu_budgets *budgets = kzalloc(sizeof(*budgets), GFP_KERNEL);

	if (!budgets)
		return NULL;
	spin_lock_init(&budgets->lock);
	hash_init(budgets->by_tgid);
	init_waitqueue_head(&budgets->entry);
	return budgets;
}

/**
 * vgpu_budget_put() - Drop a reference to a budget
 * @budget: the budget
 *
 * Context: any.
 */
void vgpu_budget_put(struct vgpu_budget *budget)
{
	if (!refcount_dec_and_test(&budget->ref))
		return;

	guard(spinlock_irqsave)(&budget->q->budgets->lock);
	hash_del_rcu(&budget->node);
	kfree_rcu(budget, rcu);
}

/* Find the budget of the calling process; NULL if there is none. */
static struct vgpu_budget *vgpu_budget_find(struct vgpu_budgets *budgets)
{
	struct vgpu_budget *budget;

	guard(rcu)();
	hash_for_each_possible_rcu(budgets->by_tgid, budget, node, current->tgid)
		if (budget->tgid == current->tgid && refcount_inc_not_zero(&budget->ref))
			return budget;
	return NULL;
}

/*
 * Get the budget of the calling process; NULL without memory. If two threads race to create it,
 * both budgets are valid, but later lookups find only one of them.
 */
static struct vgpu_budget *vgpu_budget_of_caller(struct vgpu_cmdq *q, gfp_t gfp)
{
	struct vgpu_budgets *budgets = q->budgets;
	struct vgpu_budget *budget = vgpu_budget_find(budgets);

	if (budget)
		return budget;

	budget = kzalloc(sizeof(*budget), gfp);
	if (!budget)
		return NULL;

	budget->q = q;
	refcount_set(&budget->ref, 1);
	budget->tgid = current->tgid;

	guard(spinlock_irqsave)(&budgets->lock);
	hash_add_rcu(budgets->by_tgid, &budget->node, budget->tgid);
	return budget;
}

/**
 * vgpu_budget_get() - Get the budget of the calling process
 * @q: the queues of the device
 *
 * An open file keeps a reference, so that the budget is not allocated anew for each command.
 *
 * Context: process, may sleep.
 * Return: the budget, for vgpu_budget_put(); or ERR_PTR(-ENOMEM).
 */
struct vgpu_budget *vgpu_budget_get(struct vgpu_cmdq *q)
{
	return vgpu_budget_of_caller(q, GFP_KERNEL_ACCOUNT) ?: ERR_PTR(-ENOMEM);
}

/**
 * vgpu_budget_charge() - Charge the calling process for commands or memory in flight
 * @q: the queues of the device
 * @commands: number of commands
 * @size_bytes: size of the memory
 *
 * Context: any; commands of kernel threads and interrupts are charged to no process.
 * Return: the budget, for vgpu_budget_release(); or NULL.
 */
struct vgpu_budget *vgpu_budget_charge(struct vgpu_cmdq *q, unsigned int commands,
				       size_t size_bytes)
{
	struct vgpu_budget *budget;

	if (!in_task() || (current->flags & PF_KTHREAD))
		return NULL;
	budget = vgpu_budget_of_caller(q, GFP_NOWAIT | __GFP_NOWARN);
	if (!budget)
		return NULL;
	atomic64_add(vgpu_budget_load(commands, size_bytes), &budget->load);
	atomic64_add(vgpu_budget_load(commands, size_bytes), &q->budgets->load);
	return budget;
}

/**
 * vgpu_budget_begin_work() - Count a submission or a transfer in the queue
 * @budget: the budget charged for it
 *
 * Context: any.
 * Return: the counter of submissions and transfers of the process that the host holds.
 */
atomic_t *vgpu_budget_begin_work(struct vgpu_budget *budget)
{
	atomic_inc(&budget->work);
	return &budget->nr_held;
}

/**
 * vgpu_budget_end_work() - Undo vgpu_budget_begin_work() when the host has answered
 * @budget: the budget, for which vgpu_budget_release() follows
 *
 * Context: any.
 */
void vgpu_budget_end_work(struct vgpu_budget *budget)
{
	if (READ_ONCE(budget->earned) < VGPU_BUDGET_EARNED_MAX)
		WRITE_ONCE(budget->earned, budget->earned + 1);
	WRITE_ONCE(budget->proven, atomic_fetch_dec(&budget->work));
}

/**
 * vgpu_budgets_wake() - Let processes that wait at the entry of an ioctl check their budgets again
 * @q: the queues of the device
 *
 * Context: any.
 */
void vgpu_budgets_wake(struct vgpu_cmdq *q)
{
	/* Pairs with the barrier of prepare_to_wait() in vgpu_budget_wait(). */
	if (wq_has_sleeper(&q->budgets->entry))
		wake_up_all(&q->budgets->entry);
}

/**
 * vgpu_budget_release() - Undo vgpu_budget_charge()
 * @budget: the budget that vgpu_budget_charge() returned, not NULL
 * @commands: as charged
 * @size_bytes: as charged
 *
 * Context: any.
 */
void vgpu_budget_release(struct vgpu_budget *budget, unsigned int commands, size_t size_bytes)
{
	struct vgpu_budgets *budgets = budget->q->budgets;

	atomic64_sub(vgpu_budget_load(commands, size_bytes), &budgets->load);
	atomic64_sub(vgpu_budget_load(commands, size_bytes), &budget->load);
	vgpu_budgets_wake(budget->q);
	vgpu_budget_put(budget);
}

static bool vgpu_load_is_below(const atomic64_t *load, u32 commands, u64 bytes)
{
	return vgpu_load_commands(load) < commands && vgpu_load_bytes(load) < bytes;
}

/* Check whether a process may have one more command in flight. The first is always allowed. */
static bool vgpu_budget_has_room(struct vgpu_budget *budget)
{
	u64 bytes = (u64)READ_ONCE(vgpu_budget_mib) << 20;
	u32 commands = READ_ONCE(vgpu_budget_commands);
	struct vgpu_budgets *budgets = budget->q->budgets;
	u32 sharers;

	if (!vgpu_load_commands(&budget->load))
		return true;
	if (!vgpu_load_is_below(&budget->load, commands, bytes))
		return false;

	commands *= VGPU_BUDGET_CEILING;
	bytes *= VGPU_BUDGET_CEILING;
	if (vgpu_load_is_below(&budgets->load, commands, bytes))
		return true;

	sharers = max(atomic_read(&budgets->nr_waiting), 1);
	return vgpu_load_is_below(&budget->load, max(commands / sharers, VGPU_BUDGET_LEAST),
				  div_u64(bytes, sharers));
}

/*
 * Get the number of submissions and transfers that a process may have in the queue, so that held
 * commands do not fill the ring.
 */
static u32 vgpu_budget_window(struct vgpu_budget *budget, u32 held)
{
	u32 share = vgpu_vq_held_share(budget->q->control);
	u32 quarters, least;

	if (held > READ_ONCE(budget->seen_held))
		WRITE_ONCE(budget->earned, 0);
	WRITE_ONCE(budget->seen_held, held);
	least = 1 + max(READ_ONCE(budget->proven), min(held, 1));
	quarters = vgpu_vq_held_quarters(budget->q->control);
	if (!READ_ONCE(budget->earned) && quarters >= 2)
		return quarters == 2 ? least : 0;
	/* Half of the ring at most: the host may be about to hold all that is in flight. */
	return min(max3(share + READ_ONCE(budget->earned), min(held + VGPU_BUDGET_SHARE, 3 * share),
			least), 4 * share);
}

/* Check whether a process may have one more submission or transfer in flight. */
static bool vgpu_budget_has_room_for_work(struct vgpu_budget *budget)
{
	u32 held = atomic_read(&budget->nr_held);
	u32 work = atomic_read(&budget->work);

	return work < vgpu_budget_window(budget, held) && vgpu_budget_has_room(budget) &&
	       (work < held + VGPU_BUDGET_SHARE || !vgpu_vq_is_crowded(budget->q->control));
}

static bool vgpu_budget_may_go(struct vgpu_budget *budget, enum vgpu_budget_need need)
{
	if (need == VGPU_BUDGET_COMMAND)
		return vgpu_budget_has_room(budget);
	if (need == VGPU_BUDGET_WORK && vgpu_fence_ids_are_short(&budget->q->fence_ids))
		return false;
	return vgpu_budget_has_room_for_work(budget);
}

static int vgpu_budget_wait(struct vgpu_budget *budget, enum vgpu_budget_need need)
{
	struct vgpu_cmdq *q = budget->q;
	struct vgpu_budgets *budgets = q->budgets;
	int ret;

	trace_virtio_gpu_throttle_begin(budget->tgid, vgpu_load_commands(&budget->load), 0);

	/* A process counts once, however many of its threads wait. */
	if (atomic_inc_return(&budget->nr_waiting) == 1)
		atomic_inc(&budgets->nr_waiting);
	vgpu_cmdq_listen(q);
	ret = wait_event_interruptible(budgets->entry, vgpu_cmdq_error(q) ||
				       vgpu_budget_may_go(budget, need));
	vgpu_cmdq_unlisten(q);
	if (atomic_dec_and_test(&budget->nr_waiting))
		atomic_dec(&budgets->nr_waiting);
	trace_virtio_gpu_throttle_end(budget->tgid, vgpu_load_commands(&budget->load), ret);
	return ret;
}

/**
 * vgpu_budget_throttle() - Wait until the calling process has room in its budget
 * @q: the queues of the device
 * @usual: a budget that is probably the caller's, referenced by the caller; or NULL
 * @need: what to wait for
 *
 * Context: process, sleeps interruptibly until the host makes progress or is lost.
 * Return: 0; -ENOMEM; -ERESTARTSYS when interrupted.
 */
int vgpu_budget_throttle(struct vgpu_cmdq *q, struct vgpu_budget *usual,
			 enum vgpu_budget_need need)
{
	struct vgpu_budget *budget = usual;
	int ret = 0;

	if (!usual || usual->tgid != current->tgid)
		budget = vgpu_budget_get(q);
	if (IS_ERR(budget))
		return PTR_ERR(budget);
	if (!vgpu_budget_may_go(budget, need))
		ret = vgpu_budget_wait(budget, need);
	if (budget != usual)
		vgpu_budget_put(budget);
	return ret;
}

/**
 * vgpu_budgets_print() - List the load of each process
 * @q: the queues of the device
 * @p: printer for the list
 *
 * Context: process.
 */
void vgpu_budgets_print(struct vgpu_cmdq *q, struct drm_printer *p)
{
	struct vgpu_budgets *budgets = q->budgets;
	struct vgpu_budget *budget;
	unsigned int bucket;

	drm_printf(p, "all processes: in flight %u, %llu bytes, waiting %d\n",
		   vgpu_load_commands(&budgets->load), vgpu_load_bytes(&budgets->load),
		   atomic_read(&budgets->nr_waiting));

	guard(rcu)();
	hash_for_each_rcu(budgets->by_tgid, bucket, budget, node)
		drm_printf(p, "process %d: in flight %u, %llu bytes, held %d\n", budget->tgid,
			   vgpu_load_commands(&budget->load), vgpu_load_bytes(&budget->load),
			   atomic_read(&budget->nr_held));
}
