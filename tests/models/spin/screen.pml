/* SPDX-License-Identifier: MIT */
/*
 * spin: a screen and its damage.
 *
 * A client shows two framebuffers in turn, changes the picture or not, and switches the output off.
 * A commit may come without a fence, so that its update is postponed, until the host finishes the
 * last one or for some time. The host finishes updates late, is silent, refuses commands, and is reset, which costs framebuffer 2 its content for good.
 *
 * The picture has one pixel, with a number. A buffer that the client shows has the newest number;
 * the host's copy of it has the number that was uploaded. That the history uploads what changed since
 * is assumed: here it is a bit for each buffer.
 *
 * Proved for each order of steps: when all is quiet, the host shows the framebuffer that the client
 * asked for last, with the newest picture; or nothing, if the client asked for that or the
 * framebuffer is lost; or the screen knows that the host must be told again (the next update does).
 *
 * Left out: cursors; what is shown of a framebuffer; resending after a switch-on.
 *
 * Planted: PLANT_BLANK, damage is forgotten when a screen is blanked for a lost framebuffer (as before
 * this model); PLANT_FLIP, a postponed flip that changes no pixel is not shown (as before this model);
 * PLANT_GENERATION, an update sends only what changed when the host has forgotten;
 * PLANT_CALLBACK, a postponed update is not made when the host has finished the last one.
 *
 * Of: drivers/gpu/drm/virtio/kms/vgpu_screen.c: vgpu_screen_start_over_locked
 * Of: drivers/gpu/drm/virtio/kms/vgpu_screen.c: vgpu_screen_tell_locked
 * Of: drivers/gpu/drm/virtio/kms/vgpu_screen.c: vgpu_screen_upload_locked
 * Of: drivers/gpu/drm/virtio/kms/vgpu_screen.c: vgpu_screen_flush_locked
 * Of: drivers/gpu/drm/virtio/kms/vgpu_screen.c: vgpu_screen_update_locked
 * Of: drivers/gpu/drm/virtio/kms/vgpu_screen.c: vgpu_screen_postpone_locked
 * Of: drivers/gpu/drm/virtio/kms/vgpu_screen.c: vgpu_screen_update_postponed_locked
 * Of: drivers/gpu/drm/virtio/kms/vgpu_screen.c: vgpu_screen_show vgpu_screen_blank
 * Of: drivers/gpu/drm/virtio/kms/vgpu_screen.c: vgpu_screen_set_last_fence_locked
 * Of: drivers/gpu/drm/virtio/kms/vgpu_plane.c: vgpu_plane_atomic_update vgpu_plane_damage
 */
#ifndef COMMITS
#define COMMITS	4
#endif

/* The client. */
byte picture, content[3], asked;
bit modeset;		/* the locks of DRM: commits of the client and of the restore do not overlap */
bit finished, is_lost[3];

/* The screen. */
byte fb, told, generation = 1, told_generation;
bit damage, known[3], stale[3];
bit pending, callback;	/* the last fence is not signalled; its callback queues the update */
bit due, queued, running;
bit frozen;		/* vgpu_resources.lifecycle, held while the device is started again */

/* The host. */
byte copy[3], shown, displayed;
bit refuses = 1, silent;

inline queue_update() { queued = 1 }

/* A command that the host refuses has no effect; the screen hears of it, at once here. */
#ifdef REFUSE
#define OR_REFUSED	:: refuses -> refuses = 0; generation++
#else
#define OR_REFUSED
#endif

/* vgpu_screen_start_over_locked() */
inline start_over()
{
	again = 0;
	if
	:: told_generation != generation ->
		told_generation = generation;
#ifndef PLANT_GENERATION
		known[1] = 0; known[2] = 0;
		again = 1
#endif
	:: else
	fi
}

/* vgpu_screen_update_locked() */
inline update(has_fence)
{
	if
	:: is_lost[fb]
	:: else ->
		start_over();
		if
		:: damage -> stale[1] = 1; stale[2] = 1
		:: else
		fi;
		if
		:: !known[fb] || stale[fb] ->
			known[fb] = 1; stale[fb] = 0;
			if :: copy[fb] = content[fb] OR_REFUSED fi
		:: else
		fi;
		if
		:: again || told != fb -> told = fb; damage = 1; if :: shown = fb OR_REFUSED fi
		:: else
		fi;
		if
		:: damage ->
			if :: displayed = copy[shown] OR_REFUSED fi;
			callback = 0;
			pending = has_fence;
			due = 1
		:: else
		fi;
		damage = 0;
		again = 0
	fi
}

/* vgpu_screen_postpone_locked() */
inline postpone()
{
	early = 1;
	if
	:: due -> queue_update()
	:: !due && pending ->
#ifndef PLANT_CALLBACK
		callback = 1
#endif
	:: !due && pending && !silent -> early = 0	/* after VGPU_DISPLAY_WAIT_MS */
	:: else -> early = 0
	fi
}

/* vgpu_screen_show() */
inline show_fb(f, d, has_fence)
{
	now = has_fence && !(silent && (due || pending));
	/* down_read_trylock() */
	now = now && !frozen;
	atomic {
#ifndef PLANT_FLIP
		damage = damage || (!now && fb != f && !d);
#endif
		fb = f;
		damage = damage || d;
		if
		:: now -> update(1)
		:: else ->
			postpone();
			if
			:: !early -> queue_update()
			:: else
			fi
		fi;
		now = 0; early = 0
	}
}

/* vgpu_screen_blank() */
inline blank()
{
	atomic {
		fb = 0;
		start_over();
		if
		:: again || told != 0 -> told = 0; if :: shown = 0 OR_REFUSED fi
		:: else
		fi;
		again = 0;
#ifdef PLANT_BLANK
		damage = 0
#else
		damage = 1
#endif
	}
}

proctype Client()
{
	byte i, f;
	bit d, now, early, again, visible;

	do
	:: i < COMMITS ->
		atomic { !modeset -> modeset = 1 }
		if
		:: f = 1
		:: f = 2
		:: f = 0
		fi;
		if
		:: f == 0 -> asked = 0; visible = 0; blank()
		:: else ->
			/* It draws, and says where if the plane was on: vgpu_plane_damage(). */
			d = !visible;
			if
			:: picture++; d = 1
			:: skip
			fi;
			content[f] = picture;
			asked = f;
			visible = 1;
			if
			:: is_lost[f] -> blank()
			:: else ->
				if
				:: show_fb(f, d, 1)
				:: fb == f -> show_fb(f, d, 0)	/* vgpu_plane_is_redrawn() */
				fi
			fi
		fi;
		modeset = 0;
		i++
	:: else -> break
	od;
	finished = 1
}

/* vgpu_screen_update_work() */
proctype Update()
{
	bit early, again;

end:	do
	:: atomic { queued && !due -> queued = 0 }
	   atomic {
		!frozen ->
		if
		:: fb && damage ->
			postpone();
			if
			:: early
			:: !early -> update(1)
			:: !early -> update(0)	/* no memory for a fence */
			fi
		:: else
		fi;
		early = 0
	   }
	od
}

/* The frame is over, and the host finishes an update: vgpu_screen_finished(). */
proctype Time()
{
end:	do
	:: due -> due = 0
	:: callback -> queue_update()	/* VGPU_DISPLAY_WAIT_MS is over */
	:: atomic {
		pending -> pending = 0;
		if
		:: callback -> callback = 0; queue_update()
		:: else
		fi
	   }
	od
}

#ifdef SILENT
proctype Silence()
{
	silent = 1;
	silent = 0
}
#endif

#ifdef RESET
/* vgpu_power_restore(), then the commit of vgpu_display_restore() */
proctype Reset()
{
	bit now, early, again;

	frozen = 1;
	atomic {
		/* The queue has failed: fences are signalled, and the host has nothing. */
		copy[1] = 0; copy[2] = 0; shown = 0; displayed = 0;
		is_lost[2] = 1;
		pending = 0;
		if
		:: callback -> callback = 0; queue_update()
		:: else
		fi
	}
	generation++;
	frozen = 0;
	atomic { !modeset -> modeset = 1 }
	if
	:: asked && is_lost[asked] -> blank()
	:: asked && !is_lost[asked] -> show_fb(asked, 1, 1)
	:: else -> blank()
	fi;
	modeset = 0
}
#endif

proctype Check()
{
	finished && !modeset && !queued && !due && !pending && !frozen;
	timeout;
	if
	:: told_generation != generation
	:: else ->
		if
		:: asked == 0 || is_lost[asked] -> assert(shown == 0)
		:: else -> assert(shown == asked && displayed == picture)
		fi
	fi
}

init
{
	atomic {
		run Client();
		run Update();
		run Time();
#ifdef SILENT
		run Silence();
#endif
#ifdef RESET
		run Reset();
#endif
		run Check()
	}
}
