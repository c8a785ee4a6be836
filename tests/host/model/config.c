// SPDX-License-Identifier: MIT
/* The configuration space, the monitors, and what faults do to the whole device. */
#include <linux/virtio_config.h>

#include "device.h"

/* In their order; each has 32 bits. */
static const char *const config_members[] = {
	"events_read", "events_clear", "num_scanouts", "num_capsets", "blob_alignment",
};

_Static_assert(sizeof(struct wire_config) == 4 * ARRAY_SIZE(config_members), "members");

static u32 *config_member(struct device *d, size_t i)
{
	return (u32 *)&d->config + i;
}

/* Read the configuration space; behind its end there are zeroes. */
void device_config_read(struct device *d, u32 off, void *dst, u32 len)
{
	u8 bytes[sizeof(d->config)];
	u8 *out = dst;

	for (size_t i = 0; i < ARRAY_SIZE(config_members); i++)
		put_le32(bytes + 4 * i, *config_member(d, i));
	for (u32 i = 0; i < len; i++)
		out[i] = (u64)off + i < sizeof(bytes) ? bytes[off + i] : 0;
	if (fuzz_config(&d->fuzz, dst, len))
		d->judge.lies |= FACT_CONFIG;
}

/*
 * Write the configuration space. Only events_clear is for the driver to write. Front ends like
 * QEMU send the whole space whatever the driver wrote, so members that keep their value are no
 * sin, and events_read may be older than ours.
 */
void device_config_write(struct device *d, u32 off, const void *src, u32 len)
{
	struct bug_where where = { .seq = d->bugs.seq, .cmd = "config", .bytes = src, .len = len };
	const u8 *p = src;
	u32 clear = 0;

	for (u32 i = 0; i < len; i++) {
		u32 at = off + i, member = at / 4, have = 0;

		if (member == 1)
			clear |= (u32)p[i] << 8 * (at % 4);
		if (member == 1 || (member == 0 && len > 4))
			continue;
		if (member < ARRAY_SIZE(config_members))
			have = *config_member(d, member);
		if (p[i] == (u8)(have >> 8 * (at % 4)) ||
		    (d->config_override | (d->fuzz.on ? ~0u : 0)) & 1u << MIN(member, 31u))
			continue;
		bug_report(&d->bugs, "config-write", &where,
			   "write to a member that only the device writes");
		break;
	}
	if (clear & ~VIRTIO_GPU_EVENT_DISPLAY)
		bug_report(&d->bugs, "events-clear", &where, "unknown event cleared");
	d->config.events_read &= ~clear;
	trace_event(&d->trace, "config-write", "'clear':%u", clear);
}

/* Set a member of the configuration space by force. False: there is no such member. */
bool device_config_lie(struct device *d, const char *name, u32 value)
{
	int i = NAME_ROW(config_members, name);

	if (i < 0)
		return false;
	if (*config_member(d, i) != value) {
		d->config_override |= 1u << i;
		d->judge.lies |= FACT_CONFIG;
	}
	*config_member(d, i) = value;
	return true;
}

/* Change a monitor and tell the driver. False: no such output, or @what makes no sense. */
bool device_output(struct device *d, u32 n, const char *what)
{
	struct output *o = &d->display.out[n];

	if (n >= d->display.n || !output_change(o, what))
		return false;
	d->config.events_read |= VIRTIO_GPU_EVENT_DISPLAY;
	trace_event(&d->trace, "output", "'scanout':%u,'connected':%u,'w':%u,'h':%u", n,
		    o->connected, o->mode.w, o->mode.h);
	d->ops->config_changed(d->opaque);
	return true;
}

/* Carry out an action that is not about an answer. False: there is no such output or member. */
bool device_fault_event(struct device *d, const struct fault_action *a)
{
	switch (a->kind) {
	case FAULT_NEEDS_RESET:
		d->ops->set_status(d->opaque, VIRTIO_CONFIG_S_NEEDS_RESET);
		d->ops->config_changed(d->opaque);
		return true;
	case FAULT_STALL:
		d->stalled = true;
		return true;
	case FAULT_DIE:
		d->ops->die(d->opaque, a->a);
		return true;
	case FAULT_OUTPUT:
		return device_output(d, a->a, a->text);
	case FAULT_CONFIG:
		if (!device_config_lie(d, a->text, a->a))
			return false;
		d->ops->config_changed(d->opaque);
		return true;
	case FAULT_MARK:
		trace_begin(&d->trace, "mark");
		trace_str(&d->trace, "text", a->text);
		trace_end(&d->trace);
		return true;
	default:
		return false;
	}
}
