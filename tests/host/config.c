// SPDX-License-Identifier: MIT
/* The configuration space, and what the user does to the monitors. */
#include "device.h"
#include "edid.h"
#include "log.h"

static const struct {
	const char *name;
	size_t off;
} config_members[] = {
	{ "events_read", offsetof(struct wire_config, events_read) },
	{ "events_clear", offsetof(struct wire_config, events_clear) },
	{ "num_scanouts", offsetof(struct wire_config, num_scanouts) },
	{ "num_capsets", offsetof(struct wire_config, num_capsets) },
	{ "blob_alignment", offsetof(struct wire_config, blob_alignment) },
};

static void config_bug(struct device *d, const char *rule, const char *text,
		       const void *bytes, size_t len)
{
	struct bug_where where = { .seq = d->seq, .cmd = "config",
				   .bytes = bytes, .len = len };

	bug_report(&d->bugs, rule, &where, text);
}

/**
 * device_config_read - Read the configuration space
 * @d: the device
 * @off: byte offset
 * @dst: where to
 * @len: bytes; behind the end there are zeroes
 */
void device_config_read(struct device *d, u32 off, void *dst, u32 len)
{
	u8 bytes[sizeof(d->config)];
	u8 *out = dst;

	for (size_t i = 0; i < ARRAY_SIZE(config_members); i++)
		put_le32(bytes + config_members[i].off,
			 *(u32 *)((u8 *)&d->config + config_members[i].off));
	for (u32 i = 0; i < len; i++)
		out[i] = (u64)off + i < sizeof(bytes) ? bytes[off + i] : 0;
	if (fuzz_config(&d->fuzz, dst, len))
		d->lies |= LIE_CONFIG;
}

/**
 * device_config_write - Write the configuration space
 * @d: the device
 * @off: byte offset
 * @src: bytes
 * @len: how many
 *
 * Only events_clear is for the driver to write. Front ends like QEMU send the
 * whole space whatever the driver wrote, so members that keep their value are
 * no sin, and events_read may be older than ours.
 */
void device_config_write(struct device *d, u32 off, const void *src, u32 len)
{
	const u8 *p = src;
	u32 clear = 0;

	for (u32 i = 0; i < len; i++) {
		u32 at = off + i, member = at / 4;
		u32 have = 0;

		if (member == 1) {
			clear |= (u32)p[i] << 8 * (at % 4);
			continue;
		}
		if (member == 0 && len > 4)
			continue;
		if (member < ARRAY_SIZE(config_members))
			have = *(u32 *)((u8 *)&d->config + 4 * member);
		if (p[i] == (u8)(have >> 8 * (at % 4)) ||
		    (d->config_override | (d->fuzz.on ? ~0u : 0)) & 1u << MIN(member, 31u))
			continue;
		config_bug(d, "config-write",
			   "write to a member that only the device writes", src, len);
		break;
	}
	if (clear & ~VIRTIO_GPU_EVENT_DISPLAY)
		config_bug(d, "events-clear", "unknown event cleared", src, len);
	d->config.events_read &= ~clear;
	trace_begin(&d->trace, "config-write");
	trace_u64(&d->trace, "clear", clear);
	trace_end(&d->trace);
}

/**
 * device_config_lie - Set a member of the configuration space by force
 * @d: the device
 * @name: its name
 * @value: its new value
 *
 * Return: false when there is no such member.
 */
bool device_config_lie(struct device *d, const char *name, u32 value)
{
	for (size_t i = 0; i < ARRAY_SIZE(config_members); i++) {
		if (strcmp(config_members[i].name, name))
			continue;
		*(u32 *)((u8 *)&d->config + config_members[i].off) = value;
		d->config_override |= 1u << i;
		d->lies |= LIE_CONFIG;
		return true;
	}
	return false;
}

/**
 * device_config_set - Set a member by force and tell the driver
 * @d: the device
 * @name: its name
 * @value: its new value
 *
 * Return: false when there is no such member.
 */
bool device_config_set(struct device *d, const char *name, u32 value)
{
	if (!device_config_lie(d, name, value))
		return false;
	d->ops->config_changed(d->opaque);
	return true;
}

/**
 * device_output - Plug, unplug, resize or move a monitor and tell the driver
 * @d: the device
 * @n: number of the output
 * @what: as fault_parse_output() takes it
 *
 * Return: false when there is no such output or @what makes no sense.
 */
bool device_output(struct device *d, u32 n, const char *what)
{
	struct output *o = &d->display.out[n];
	u32 w, h;
	s64 x, y;

	if (n >= d->display.n || !fault_parse_output(what, &w, &h, &x, &y) ||
	    w > EDID_MAX_PIXELS || h > EDID_MAX_PIXELS)
		return false;
	o->connected = x != -2;
	if (w) {
		o->mode.w = w;
		o->mode.h = h;
	}
	if (x >= 0) {
		o->mode.x = x;
		o->mode.y = y;
	}
	d->config.events_read |= VIRTIO_GPU_EVENT_DISPLAY;
	trace_begin(&d->trace, "output");
	trace_u64(&d->trace, "scanout", n);
	trace_u64(&d->trace, "connected", o->connected);
	trace_u64(&d->trace, "w", o->mode.w);
	trace_u64(&d->trace, "h", o->mode.h);
	trace_end(&d->trace);
	d->ops->config_changed(d->opaque);
	return true;
}
