// SPDX-License-Identifier: MIT
/*
 * Breaks a virtio PCI device from within the guest: puts the control queue's available
 * ring where no ring is, through the access to the device's registers that its PCI
 * configuration space has (virtio 1.3, 4.1.4.9). The device finds nonsense there at the
 * next notification, sets DEVICE_NEEDS_RESET and stops.
 *
 * Usage: needs-reset PCI-DEVICE-DIRECTORY
 */
#include <err.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <linux/pci_regs.h>
#include <linux/virtio_pci.h>

/**
 * struct window - the way into the registers
 * @config: the PCI configuration space
 * @access: offset of the capability that gives access
 * @bar: where the common configuration lies
 * @offset: offset of it in there
 */
struct window {
	int config;
	uint8_t access;
	uint8_t bar;
	uint32_t offset;
};

static uint32_t config_read(const struct window *w, off_t at, size_t size)
{
	uint32_t value = 0;

	if (pread(w->config, &value, size, at) != (ssize_t)size)
		err(1, "configuration space");
	return value;
}

static void config_write(const struct window *w, off_t at, uint32_t value, size_t size)
{
	if (pwrite(w->config, &value, size, at) != (ssize_t)size)
		err(1, "configuration space");
}

static void find_capabilities(struct window *w)
{
	uint8_t at = (uint8_t)config_read(w, PCI_CAPABILITY_LIST, 1);

	for (; at; at = (uint8_t)config_read(w, at + PCI_CAP_LIST_NEXT, 1)) {
		if (config_read(w, at, 1) != PCI_CAP_ID_VNDR)
			continue;
		switch (config_read(w, at + VIRTIO_PCI_CAP_CFG_TYPE, 1)) {
		case VIRTIO_PCI_CAP_COMMON_CFG:
			w->bar = (uint8_t)config_read(w, at + VIRTIO_PCI_CAP_BAR, 1);
			w->offset = config_read(w, at + VIRTIO_PCI_CAP_OFFSET, 4);
			break;
		case VIRTIO_PCI_CAP_PCI_CFG:
			w->access = at;
			break;
		}
	}
	if (!w->access)
		errx(1, "no access by the configuration space");
}

static void select_register(const struct window *w, uint32_t reg, size_t size)
{
	config_write(w, w->access + VIRTIO_PCI_CAP_BAR, w->bar, 1);
	config_write(w, w->access + VIRTIO_PCI_CAP_OFFSET, w->offset + reg, 4);
	config_write(w, w->access + VIRTIO_PCI_CAP_LENGTH, (uint32_t)size, 4);
}

static void register_write(const struct window *w, uint32_t reg, uint32_t value, size_t size)
{
	select_register(w, reg, size);
	config_write(w, w->access + sizeof(struct virtio_pci_cap), value, size);
}

static uint32_t register_read(const struct window *w, uint32_t reg, size_t size)
{
	select_register(w, reg, size);
	return config_read(w, w->access + sizeof(struct virtio_pci_cap), size);
}

int main(int argc, char **argv)
{
	struct window w = { 0 };
	char path[256];

	if (argc != 2)
		errx(2, "usage: %s PCI-DEVICE-DIRECTORY", argv[0]);
	snprintf(path, sizeof(path), "%s/config", argv[1]);
	w.config = open(path, O_RDWR | O_CLOEXEC);
	if (w.config < 0)
		err(1, "%s", path);
	find_capabilities(&w);
	register_write(&w, VIRTIO_PCI_COMMON_Q_SELECT, 0, 2);
	/* The descriptors of the queue are no ring, and seldom look like one. */
	register_write(&w, VIRTIO_PCI_COMMON_Q_AVAILLO,
		       register_read(&w, VIRTIO_PCI_COMMON_Q_DESCLO, 4), 4);
	register_write(&w, VIRTIO_PCI_COMMON_Q_AVAILHI,
		       register_read(&w, VIRTIO_PCI_COMMON_Q_DESCHI, 4), 4);
	register_write(&w, VIRTIO_PCI_COMMON_Q_ENABLE, 1, 2);
	return 0;
}
