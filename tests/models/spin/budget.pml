/* SPDX-License-Identifier: MIT */
/*
 * spin: budgets and the throttle.
 *
 * Process 0 has two threads, process 1 has one. Each thread calls CALLS times: it waits at entry
 * until its process has room, then it is charged and its command is sent. The device answers in any
 * order. With HOLD, it holds commands of process 0 for ever, as many as it likes.
 *
 * With PROXY, process 0 has one thread, which sends answered commands and POLLs in turn. The device
 * holds the POLLs and all commands of process 1 for ever. Commands of others that the device holds
 * take half of the ring at any time.
 *
 * Proved for each order of steps, with small numbers for the constants of vgpu_budget.c:
 *
 *   - each thread goes on in the end; with HOLD, that of process 1 does, whose commands the device
 *     answers: no wakeup is lost, and no process starves another;
 *   - a process has no more commands in flight than its budget and one for each further thread,
 *     since a thread is charged after it has checked;
 *   - the ring is never full: the display finds room;
 *   - with PROXY, that of process 0 goes on in the end, and process 1 sends no more than one
 *     further command, and two in all, from the time when half of the ring is held;
 *   - all counters are 0 in the end.
 *
 * Left out: bytes, which are counted and compared as commands are; the order of the counters' loads
 * and stores, for which there are litmus tests. The counters may be read while they change, so the
 * check of a thread is made in two steps.
 *
 * Planted: PLANT_WAKE, a release does not wake; PLANT_PREPARE, a thread checks before it is on the
 * wait queue; PLANT_ROOM, held commands and a crowded ring limit no process. While half of the ring
 * is held and no answer has come since: PLANT_PROXY, a process has at most one command beside a
 * held one; PLANT_GROW, it has one beside all its held ones.
 *
 * Of: drivers/gpu/drm/virtio/protocol/vgpu_budget.c: vgpu_budget_charge vgpu_budget_begin_work
 * Of: drivers/gpu/drm/virtio/protocol/vgpu_budget.c: vgpu_budget_end_work vgpu_budgets_wake
 * Of: drivers/gpu/drm/virtio/protocol/vgpu_budget.c: vgpu_budget_release vgpu_budget_has_room
 * Of: drivers/gpu/drm/virtio/protocol/vgpu_budget.c: vgpu_budget_window
 * Of: drivers/gpu/drm/virtio/protocol/vgpu_budget.c: vgpu_budget_has_room_for_work
 * Of: drivers/gpu/drm/virtio/protocol/vgpu_budget.c: vgpu_budget_wait vgpu_budget_throttle
 * Of: drivers/gpu/drm/virtio/transport/vgpu_vq.c: vgpu_vq_held_quarters vgpu_vq_held_share
 * Of: drivers/gpu/drm/virtio/transport/vgpu_vq.c: vgpu_vq_is_crowded
 */
#ifndef CALLS
#define CALLS	2
#endif
#define LEAST	1	/* VGPU_BUDGET_LEAST */
#define SHARE	1	/* VGPU_BUDGET_SHARE */
#ifdef PROXY
#define THREADS	2
#define BUDGET	8	/* vgpu_budget_commands */
#define CEILING	16	/* of the device; the driver has 8 budgets */
#define EARNED	8	/* VGPU_BUDGET_EARNED_MAX */
#define RING	32
#else
#define THREADS	3
#define BUDGET	3
#define CEILING	4
#define EARNED	4
#define RING	6
#endif
#define MIN(a, b)	((a) < (b) -> (a) : (b))
#define MAX(a, b)	((a) > (b) -> (a) : (b))
#define RESERVE	(RING / 4)
#define HELD_SHARE	MAX(RING / 8, 1)	/* vgpu_vq_held_share() */

/* Processes. */
byte load[2], nr_waiting[2], work[2], held[2], earned[2], seen[2], proven[2];
/* All. */
byte total, waiting;
/* Commands that the device has and that it will answer, by process. */
byte owed[2];
/* Commands that it will hold, by process. */
byte polls[2];
/* Held commands of others; what process 1 had in flight when half of the ring was held. */
byte others, before;
bit asleep[3];
byte finished;
#if defined(HOLD) || defined(PROXY)
byte pings = 2;		/* pings are answered, and each answer wakes */
#endif

#define IN_RING		(others + owed[0] + owed[1] + polls[0] + polls[1] + held[0] + held[1])
#define IS_CROWDED	(RING - IN_RING < RESERVE)
#define QUARTERS	((others + held[0] + held[1]) * 4 / RING)
#define SHARERS		MAX(waiting, 1)
#define PART		MAX(CEILING / SHARERS, LEAST)

/* vgpu_budget_window() */
inline get_window()
{
	if
	:: held[p] > seen[p] -> earned[p] = 0
	:: else
	fi;
	seen[p] = held[p];
#ifdef PLANT_PROXY
	window = 1 + (held[p] > 0);
#else
#ifdef PLANT_GROW
	window = 1 + held[p];
#else
	window = 1 + MAX(proven[p], held[p] > 0);
#endif
#endif
	if
	:: earned[p] == 0 && QUARTERS == 2
	:: earned[p] == 0 && QUARTERS > 2 -> window = 0
	:: else ->
		window = MAX(window, HELD_SHARE + earned[p]);
		window = MAX(window, MIN(held[p] + SHARE, 3 * HELD_SHARE));
		window = MIN(window, 4 * HELD_SHARE)
	fi
}

/* vgpu_budget_has_room() */
inline has_room()
{
	if
	:: load[p] == 0 -> go = 1
	:: else ->
		if
		:: load[p] >= BUDGET -> go = 0
		:: load[p] < BUDGET && total < CEILING -> go = 1
		:: load[p] < BUDGET && total >= CEILING -> go = load[p] < PART
		fi
	fi
}

/* vgpu_budget_has_room_for_work(): go is set or not */
inline check()
{
	atomic { now_held = held[p]; now_work = work[p]; get_window() }
	atomic {
		has_room();
		if
#ifndef PLANT_ROOM
		:: go -> go = now_work < window && (now_work < now_held + SHARE || !IS_CROWDED)
#endif
		:: else
		fi;
		window = 0; now_held = 0; now_work = 0
	}
}

/* vgpu_budgets_wake() */
inline wake()
{
	atomic { asleep[0] = 0; asleep[1] = 0; asleep[2] = 0 }
}

/* vgpu_budget_throttle(), then vgpu_budget_charge(), vgpu_budget_begin_work() and the commit */
proctype Thread(byte t, p)
{
	byte calls, window, now_held, now_work;
	bit go;

	do
	:: calls < CALLS ->
		check();
		if
		:: !go ->
			/* vgpu_budget_wait() */
			atomic { nr_waiting[p]++; if :: nr_waiting[p] == 1 -> waiting++ :: else fi }
			do
			::
#ifdef PLANT_PREPARE
				check();
				asleep[t] = 1;
#else
				asleep[t] = 1;	/* prepare_to_wait() */
				check();
#endif
				if
				:: go -> break
#ifdef PROXY
				:: !go && p == 0 -> !asleep[t]
				:: !go && p == 1 ->
#else
				:: !go && p == 1 -> !asleep[t]
				:: !go && p == 0 ->
#endif
#if defined(HOLD) || defined(PROXY)
end:
#endif
					!asleep[t]
				fi
			od;
			asleep[t] = 0;
			atomic { nr_waiting[p]--; if :: nr_waiting[p] == 0 -> waiting-- :: else fi }
		:: else
		fi;
		go = 0;
		load[p]++;
		assert(load[p] <= BUDGET + (p == 0));
		total++;
		atomic {
			work[p]++;
#ifdef PROXY
			if
			:: p == 1 || calls % 2 -> polls[p]++
			:: else -> owed[p]++
			fi;
			assert(!others || work[1] <= MAX(before + 1, 2));
#else
			owed[p]++;
#endif
			assert(IN_RING < RING)
		}
		calls++
	:: else -> break
	od;
	finished++
}

/* The device, and vgpu_cmd_uncharge() */
proctype Device()
{
	byte p;

end:	do
	:: owed[0] > 0 -> p = 0; goto answer
	:: owed[1] > 0 -> p = 1; goto answer
#ifdef HOLD
	:: atomic { owed[0] > 0 -> owed[0]--; held[0]++ }
#endif
#ifdef PROXY
	:: atomic { polls[0] > 0 -> polls[0]--; held[0]++ }
	:: atomic { polls[1] > 0 -> polls[1]--; held[1]++ }
	:: atomic { !others -> others = RING / 2; before = work[1] }
#endif
#if defined(HOLD) || defined(PROXY)
	:: atomic { timeout && pings > 0 -> pings-- } wake()
#else
	:: atomic { finished == THREADS && owed[0] + owed[1] == 0 ->
		assert(load[0] + load[1] + total + work[0] + work[1] + waiting == 0) }
	   break
#endif
	od;
	goto stop;
answer:
	atomic {
		owed[p]--;
		earned[p] = (earned[p] < EARNED -> earned[p] + 1 : EARNED);
		proven[p] = work[p];
		work[p]--
	}
	total--;
	load[p]--;
#ifndef PLANT_WAKE
	wake();
#endif
	atomic { p = 0; goto end }
stop:	skip
}

init
{
	atomic {
		run Thread(0, 0);
#ifndef PROXY
		run Thread(1, 0);
#endif
		run Thread(2, 1);
		run Device()
	}
}
