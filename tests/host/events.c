// SPDX-License-Identifier: MIT
/* What a fault does to the whole device rather than to one answer. */
#include <linux/virtio_config.h>

#include "device.h"

/**
 * device_fault_event - Carry out an action that is not about an answer
 * @d: the device
 * @a: the action; others are ignored
 */
void device_fault_event(struct device *d, const struct fault_action *a)
{
	switch (a->kind) {
	case FAULT_NEEDS_RESET:
		d->ops->set_status(d->opaque, VIRTIO_CONFIG_S_NEEDS_RESET);
		d->ops->config_changed(d->opaque);
		break;
	case FAULT_STALL:
		d->stalled = true;
		break;
	case FAULT_DIE:
		d->ops->die(d->opaque, a->a);
		break;
	case FAULT_OUTPUT:
		device_output(d, a->a, a->text);
		break;
	case FAULT_CONFIG:
		device_config_set(d, a->text, a->a);
		break;
	case FAULT_MARK:
		trace_begin(&d->trace, "mark");
		trace_str(&d->trace, "text", a->text);
		trace_end(&d->trace);
		break;
	default:
		break;
	}
}
