/* SPDX-License-Identifier: MIT */
/*
 * spin: a queue, its messages and their fences, from commit to the last put.
 *
 * Two clients, a waiter for each, a device, the interrupt, the irq_work, the sweep, the work that
 * resets a lost device, and removal. A step is what the driver does under one lock, or without any.
 *
 *   clients   0 posts messages with fences on its timeline, with or without a kick; 1 posts messages
 *             and waits for their answers as vgpu_cmd_send() and vgpu_cmd_await() do, or gives up
 *   waiters   ask for a fence before, while or after its message is sent (enable_signaling)
 *   device    sees messages only after a notification; answers in any order (which is the only lie
 *             that changes what the queue does), late, or no more (DIE); asks for a reset (BREAK)
 *   memory    the ring may refuse a message once (NOMEM)
 *
 * Proved for each order of steps:
 *
 *   - a message reaches the device in the order of commits, and is completed once;
 *   - a fence is signalled once, and after all earlier ones of its timeline;
 *   - each waiter goes on: without SWEEP by interrupts alone, unless the device dies;
 *   - with SWEEP, each message is completed and freed in the end, whether someone waits or not;
 *   - memory is freed once, and not while the ring or the device knows it;
 *   - the ring is not notified after it was deleted.
 *
 * Left out: the age of messages, bounds of the ring other than its size, packed rings, panics. That
 * one lock orders all steps is no result of this model; the litmus tests are about what runs without.
 *
 * Planted: PLANT_ENABLE, a waiter does not look for answers that came before its interrupt was
 * enabled; PLANT_UNKICKED, a waiter does not kick for messages that were not kicked; PLANT_FIFO, a
 * commit overtakes the FIFO; PLANT_KEEP, failing a message drops the queue's reference; PLANT_TWICE,
 * an abandoned message is retired again; PLANT_ORDER, a
 * fence does not wait for earlier ones; PLANT_RCU, detaching does not wait for notifications;
 * PLANT_ARM, a commit does not arm the sweep.
 *
 * Of: drivers/gpu/drm/virtio/core/vgpu_power.c: vgpu_power_start vgpu_power_stop vgpu_power_lost
 * Of: drivers/gpu/drm/virtio/core/vgpu_power.c: vgpu_power_lost_work
 * Of: drivers/gpu/drm/virtio/transport/vgpu_vq.c: vgpu_vq_enter_ring_locked vgpu_vq_push_locked
 * Of: drivers/gpu/drm/virtio/transport/vgpu_vq.c: vgpu_vq_retire_locked vgpu_vq_reap_locked
 * Of: drivers/gpu/drm/virtio/transport/vgpu_vq.c: vgpu_vq_prepare_kick_locked
 * Of: drivers/gpu/drm/virtio/transport/vgpu_vq.c: vgpu_vq_take_done_locked vgpu_vq_finish
 * Of: drivers/gpu/drm/virtio/transport/vgpu_vq.c: vgpu_vq_service vgpu_vq_refuse_locked
 * Of: drivers/gpu/drm/virtio/transport/vgpu_vq.c: vgpu_vq_commit
 * Of: drivers/gpu/drm/virtio/transport/vgpu_vq.c: vgpu_vq_listen vgpu_vq_unlisten
 * Of: drivers/gpu/drm/virtio/transport/vgpu_vq.c: vgpu_vq_arm_sweep_locked
 * Of: drivers/gpu/drm/virtio/transport/vgpu_vq_life.c: vgpu_vq_attach
 * Of: drivers/gpu/drm/virtio/transport/vgpu_vq_life.c: vgpu_vq_refuse_pending_locked
 * Of: drivers/gpu/drm/virtio/transport/vgpu_vq_life.c: vgpu_vq_abandon_oldest_locked
 * Of: drivers/gpu/drm/virtio/transport/vgpu_vq_life.c: vgpu_vq_fail vgpu_vq_empty_ring_locked
 * Of: drivers/gpu/drm/virtio/transport/vgpu_vq_life.c: vgpu_vq_detach vgpu_vq_settle
 * Of: drivers/gpu/drm/virtio/transport/vgpu_vq_watch.c: vgpu_vq_judge_locked vgpu_vq_sweep
 * Of: drivers/gpu/drm/virtio/protocol/vgpu_fence.c: vgpu_fence_enable_signaling vgpu_fence_bind
 * Of: drivers/gpu/drm/virtio/protocol/vgpu_fence.c: vgpu_fence_signal_locked vgpu_fence_complete
 * Of: drivers/gpu/drm/virtio/protocol/vgpu_cmd.c: vgpu_cmd_complete vgpu_cmd_post_fenced
 * Of: drivers/gpu/drm/virtio/protocol/vgpu_cmd.c: vgpu_cmd_send vgpu_cmd_await
 * Of: drivers/gpu/drm/virtio/core/vgpu_device.c: vgpu_device_remove
 */
#if !defined(SMALL)
#define N	3	/* messages; the last one belongs to client 1 */
#define FIRST1	2	/* first message of client 1 */
#define RING	2
#else
#define N	2
#define FIRST1	1
#define RING	1
#endif
#if defined(BREAK) || defined(DIE) || defined(REMOVE)
#define LOSS
#endif

mtype = { NEW, PENDING, INRING, ABANDONED, RETURNED, RETIRED };
/* Where the device is with a message: not in the ring, added, fetched, answered. */
mtype = { OUT, ADDED, FETCHED, USED };

/* Messages. */
mtype st[N] = NEW;
mtype dev[N] = OUT;
byte ref[N];
bit listed[N];		/* retired or returned, and not taken by vgpu_vq_take_done_locked() */
bit completed[N];
bit freed[N];
byte turn[N];		/* number of the commit */
byte commits, entered;
bit ever_failed;

/* Fences, one for each message of client 0. */
bit fdone[N], fsignalled[N], fwanted[N], fbound[N];

/* The queue. */
chan fifo = [N] of { byte };
bit attached = 1, deleted, error, unkicked, cb;
byte nr_listeners;
bit soon;		/* the irq_work is queued */
bit armed, sweeping;
byte notifying;		/* between the lock and virtqueue_notify(), under RCU */
byte quiet;		/* sweeps since the device answered: QUIET, ASKED, SILENT, LOST */

/* The device and the machine. */
bit notified, alive = 1, on = 1, irq, in_irq;
bit lost_work, removing, recovering, unplugged, removed;
byte clients = 2;
bit published;		/* the last fence of client 0 may have a waiter */
#ifdef NOMEM
bit nomem = 1;
#else
bit nomem;
#endif
#ifdef EARLY
bit early = 1;		/* the sweep may come early, once */
#else
bit early;
#endif

#if N > 2
#define IN_RING_COUNT	((dev[0] != OUT) + (dev[1] != OUT) + (dev[2] != OUT))
#define ANY_USED	(dev[0] == USED || dev[1] == USED || dev[2] == USED)
#define ANY_IN_RING	(st[0] == INRING || st[1] == INRING || st[2] == INRING)
#define ALL_FREED	(freed[0] && freed[1] && freed[2])
#else
#define IN_RING_COUNT	((dev[0] != OUT) + (dev[1] != OUT))
#define ANY_USED	(dev[0] == USED || dev[1] == USED)
#define ANY_IN_RING	(st[0] == INRING || st[1] == INRING)
#define ALL_FREED	(freed[0] && freed[1])
#endif
#ifdef PLANT_FIFO
#define MUST_QUEUE	0
#else
#define MUST_QUEUE	len(fifo) > 0
#endif

/* vgpu_msg_put() */
inline put(m)
{
	assert(ref[m] > 0 && !freed[m]);
	ref[m]--;
	if
	:: ref[m] == 0 ->
		freed[m] = 1;
		/* Neither the device nor the ring may know the memory. */
		assert(dev[m] == OUT)
	:: else
	fi
}

/* vgpu_vq_service_soon_locked() */
inline service_soon()
{
	soon = 1
}

/* vgpu_vq_listen() */
inline listen()
{
	nr_listeners++;
	if
	:: attached ->
		cb = 1;
		if
#ifndef PLANT_ENABLE
		:: ANY_USED -> service_soon()
#endif
#ifndef PLANT_UNKICKED
		:: unkicked -> service_soon()
#endif
		:: else
		fi
	:: else
	fi
}

/* vgpu_vq_enter_ring_locked(), with the memory and the room it needs */
inline enter_ring(m)
{
	assert(dev[m] == OUT && !freed[m]);
	dev[m] = ADDED;
	st[m] = INRING;
	if
	:: IN_RING_COUNT == 1 -> quiet = 0
	:: else
	fi;
	unkicked = 1;
	assert(ever_failed || turn[m] == entered);
	entered++
}

/* vgpu_vq_retire_locked() */
inline retire(m)
{
	dev[m] = OUT;
	if
#ifndef PLANT_TWICE
	:: st[m] == ABANDONED -> st[m] = RETURNED
#endif
	:: else -> st[m] = RETIRED
	fi;
	listed[m] = 1
}

/* vgpu_vq_refuse_locked() */
inline refuse(m)
{
	st[m] = RETIRED;
	listed[m] = 1
}

/* vgpu_vq_reap_locked(): the last look for answers is that of virtqueue_enable_cb() */
inline reap()
{
	if
	:: attached ->
		cb = 0;
		i = 0;
		do
		:: i < N ->
			if
			:: dev[i] == USED -> retire(i); quiet = 0
			:: else
			fi;
			i++
		:: else -> break
		od;
		i = 0;
		if
		:: nr_listeners || len(fifo) > 0 -> cb = 1
		:: else
		fi
	:: else
	fi
}

/* vgpu_vq_push_locked() */
inline push()
{
	do
	:: len(fifo) > 0 && IN_RING_COUNT < RING ->
		assert(attached);
		fifo?i;
		enter_ring(i);
		armed = 1
	:: else -> break
	od;
	i = 0
}

/* vgpu_vq_take_done_locked(): the caller's list is a mask */
inline take_done()
{
	i = 0;
	do
	:: i < N ->
		if
		:: listed[i] -> listed[i] = 0; mask = mask | (1 << i)
		:: else
		fi;
		i++
	:: else -> break
	od;
	i = 0
}

/* vgpu_fence_signal_locked() */
inline signal_fence(f)
{
	assert(!fsignalled[f]);
	assert(f == 0 || fsignalled[f - 1]);
	fsignalled[f] = 1;
	if
	:: fbound[f] ->
		fbound[f] = 0;
		nr_listeners = nr_listeners - fwanted[f];
		put(f)
	:: else
	fi
}

/* vgpu_fence_complete(): all under the lock of the timeline */
inline complete_fence(m)
{
	if
	:: !fsignalled[m] ->
		fdone[m] = 1;
		i = 0;
		do
		:: i < FIRST1 && fsignalled[i] -> i++
#ifdef PLANT_ORDER
		:: i < FIRST1 && !fsignalled[i] && !fdone[i] -> i++
#endif
		:: i < FIRST1 && !fsignalled[i] && fdone[i] -> signal_fence(i); i++
		:: else -> break
		od;
		i = 0
	:: else
	fi
}

/* vgpu_cmd_complete() */
inline complete(m)
{
	assert(!completed[m]);
	completed[m] = 1;
	if
	:: m < FIRST1 -> complete_fence(m)
	:: else -> nr_listeners--
	fi
}

/* vgpu_vq_finish(): one step for each message, since only the caller has it now */
inline finish()
{
	do
	:: atomic {
		mask ->
		k = 0;
		do
		:: mask & (1 << k) -> break
		:: else -> k++
		od;
		mask = mask & (255 - (1 << k));
		if
		:: st[k] == RETIRED -> complete(k)
		:: else
		fi;
		put(k);
		k = 0
	   }
	:: mask == 0 -> break
	od
}

/* vgpu_vq_service() */
inline service(kick)
{
	atomic {
		reap();
		take_done();
		if
		:: len(fifo) > 0 -> push(); go = 1
		:: else -> go = kick
		fi;
		if
		:: go && unkicked && attached -> unkicked = 0; notifying++
		:: else -> go = 0
		fi
#ifdef REMOVE
	}
	atomic {
#endif
		/* virtqueue_notify() */
		if
		:: go -> assert(!deleted); notified = 1; notifying--; go = 0
		:: else
		fi
	}
	finish()
}

/* vgpu_vq_fail() */
inline fail()
{
	atomic { error = 1; ever_failed = 1 }
	do
	:: atomic {
		error && ANY_IN_RING ->
		k = 0;
		do
		:: st[k] == INRING -> break
		:: else -> k++
		od;
#ifndef PLANT_KEEP
		ref[k]++;
#endif
		st[k] = ABANDONED
	   }
	   atomic { complete(k) }
	   atomic { put(k); k = 0 }
	:: atomic {
		else ->
		if
		:: error -> refuse_pending()
		:: else
		fi;
		take_done()
	   }
	   break
	od;
	finish()
}

/* vgpu_vq_refuse_pending_locked() */
inline refuse_pending()
{
	do
	:: len(fifo) > 0 -> fifo?i; refuse(i)
	:: len(fifo) == 0 -> break
	od;
	i = 0
}

/* vgpu_power_lost() */
inline lost()
{
	fail();
	lost_work = 1
}

/* vgpu_device_stop(): fail, reset, detach, delete the rings */
inline stop()
{
	fail();
	/* virtio_reset_device(): no more interrupts, and the device touches nothing. */
	on = 0;
	atomic { !in_irq -> irq = 0; notified = 0 }
	/* vgpu_vq_detach() */
	atomic {
		if
		:: attached ->
			k = 0;
			do
			:: k < N ->
				if
				:: dev[k] != OUT -> retire(k)
				:: else
				fi;
				k++
			:: else -> break
			od;
			k = 0;
			attached = 0
		:: else
		fi;
		refuse_pending()
	}
#ifndef PLANT_RCU
	notifying == 0;
#endif
	atomic { !sweeping -> armed = 0 }
	atomic { take_done() }
	finish();
	deleted = 1
}

/* vgpu_device_start() */
inline start()
{
	atomic { deleted = 0; on = 1; alive = 1 }
	atomic { attached = 1; unkicked = 0; cb = 0; error = 0 }
	if
	:: removing -> fail()
	:: else
	fi
}

/* vgpu_fence_bind() and vgpu_vq_commit() */
inline commit(m)
{
	if
	:: m < FIRST1 ->
		atomic {
			ref[m]++;
			fbound[m] = 1;
			if
			:: fwanted[m] -> listen()
			:: else
			fi
		}
	:: else
	fi;
	atomic {
		ref[m]++;
		if
		:: error -> refuse(m); service_soon()
		:: else ->
			turn[m] = commits;
			commits++;
			if
			:: IN_RING_COUNT >= RING || MUST_QUEUE -> fifo!m; st[m] = PENDING
			:: IN_RING_COUNT < RING && !(MUST_QUEUE) && nomem ->
				nomem = 0; fifo!m; st[m] = PENDING
			:: IN_RING_COUNT < RING && !(MUST_QUEUE) -> enter_ring(m)
			fi;
#ifndef PLANT_ARM
			armed = 1
#endif
		fi
	}
}

/*
 * A client that posts: vgpu_cmd_post_fenced(), then perhaps vgpu_cmdq_kick(). Its fences have waiters
 * afterwards, or before if they come from a submission queue; but vgpu_submitq_work() always kicks.
 */
proctype Poster()
{
	byte i, k, mask, m;
	bit go, queued;

	if
	:: queued = 1; published = 1
#ifndef LOSS
	:: skip
#endif
	fi;
	do
	:: m < FIRST1 ->
		ref[m] = 1;
		commit(m);
		atomic { put(m) }
		if
		:: service(1)
		:: !queued -> skip
		fi;
		m++
	:: else -> break
	od;
	atomic { published = 1; clients-- }
}


/* A client that asks: vgpu_cmd_send() and vgpu_cmd_await(). */
proctype Asker()
{
	byte i, k, mask, m = FIRST1;
	bit go;

	do
	:: m < N ->
		ref[m] = 1;
		atomic { listen() }
		commit(m);
		service(1);
		if
		:: completed[m]		/* waits for the answer */
#ifdef GIVE_UP
		:: skip			/* a signal ends the wait */
#endif
		fi;
		atomic { put(m) }
		m++
	:: else -> break
	od;
	clients--
}

/* dma_fence_wait() for the last fence: vgpu_fence_enable_signaling() */
proctype Waiter(byte f)
{
	atomic {
		published;
		if
		:: !fsignalled[f] ->
			fwanted[f] = 1;
			if
			:: fbound[f] -> listen()
			:: else
			fi
		:: else
		fi
	}
	fsignalled[f]
}

/* vgpu_vq_callback() */
proctype Interrupt()
{
	byte i, k, mask;
	bit go;

end:	do
	:: atomic { irq && on -> irq = 0; in_irq = 1 }
	   service(0);
	   in_irq = 0
	od
}

/* vgpu_vq_answered() */
proctype IrqWork()
{
	byte i, k, mask;
	bit go;

end:	do
	:: atomic { soon -> soon = 0 }
	   service(1)
	od
}

/* The device writes the response, and then the used ring. */
inline answer(a)
{
	assert(!freed[a]);
	dev[a] = USED;
	if
	:: cb -> irq = 1; cb = 0
	:: else
	fi
}

proctype Device()
{
	byte m;

end:	do
	:: atomic { notified && alive && on ->
		notified = 0;
		m = 0;
		do
		:: m < N ->
			if
			:: dev[m] == ADDED -> dev[m] = FETCHED
			:: else
			fi;
			m++
		:: else -> break
		od;
		m = 0
	   }
	:: atomic { alive && on && dev[0] == FETCHED -> answer(0) }
	:: atomic { alive && on && dev[1] == FETCHED -> answer(1) }
#if N > 2
	:: atomic { alive && on && dev[2] == FETCHED -> answer(2) }
#endif
#ifdef DIE
	:: atomic { alive && on && !ever_failed -> alive = 0 }
#endif
	od
}

#ifdef BREAK
/* NEEDS_RESET: vgpu_device_config_work() */
proctype Break()
{
	byte i, k, mask;

	if
	:: attached && !ever_failed -> lost()
	:: skip
	fi
}
#endif

#ifdef SWEEP
/* vgpu_vq_sweep() */
proctype Sweep()
{
	byte i, k, mask;
	bit go;

end:	do
	:: atomic { armed && timeout -> armed = 0; sweeping = 1 }
	   goto tick
	:: atomic { armed && early -> early = 0; armed = 0; sweeping = 1 }
	   goto tick
	od;
tick:
	service(1);
	atomic {
		if
		:: !error && (IN_RING_COUNT > 0 || len(fifo) > 0) ->
			armed = 1;
			if
			:: IN_RING_COUNT > 0 -> quiet++
			:: else
			fi
		:: else
		fi
	}
	if
	:: quiet == 2 -> atomic {
		/* vgpu_vq_notify_again(); the ping is like any other message */
		if
		:: attached && !error -> notified = 1
		:: else
		fi }
	:: quiet == 4 && !error -> lost()
	:: else
	fi;
	atomic { sweeping = 0; goto end }
}
#endif

#if defined(BREAK) || defined(DIE)
/* vgpu_power_lost_work() */
proctype LostWork()
{
	byte i, k, mask;

end:	do
	:: atomic { lost_work && !unplugged -> lost_work = 0; recovering = 1 }
	   if
	   :: !removing && error -> stop(); start()
	   :: else
	   fi;
	   recovering = 0
	:: atomic { lost_work && unplugged -> lost_work = 0 }
	od
}
#endif

#ifdef REMOVE
/* vgpu_device_remove() */
proctype Remove()
{
	byte i, k, mask;

	removing = 1;
	fail();
	/* drm_dev_unplug() waits for the recovery. */
	atomic { !recovering -> unplugged = 1 }
	stop();
	removed = 1
}
#endif

#ifdef SWEEP
/* In the end: vgpu_device_release() after the last file, or nothing is left to do. */
proctype Release()
{
	byte i, k, mask;
	bit go;

	clients == 0;
#ifdef REMOVE
	removed;
	service(0);
#endif
	ALL_FREED && nr_listeners == 0
}
#endif

init
{
	atomic {
		run Poster();
		run Asker();
		run Waiter(FIRST1 - 1);
		run Interrupt();
		run IrqWork();
		run Device();
#ifdef BREAK
		run Break();
#endif
#ifdef SWEEP
		run Sweep();
		run Release();
#endif
#if defined(BREAK) || defined(DIE)
		run LostWork();
#endif
#ifdef REMOVE
		run Remove();
#endif
	}
}
