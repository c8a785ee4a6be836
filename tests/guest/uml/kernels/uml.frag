# SPDX-License-Identifier: MIT
# User Mode Linux: devices over vhost-user, files of the host, console on stdio.
# DRM wants HAS_DMA and I/O memory, which UML can emulate (see kernel-source).
CONFIG_HOSTFS=y
CONFIG_VIRTIO_UML=y
CONFIG_UML_DMA_EMULATION=y
CONFIG_UML_IOMEM_EMULATION=y
CONFIG_STATIC_LINK=n
CONFIG_STDERR_CONSOLE=y
CONFIG_SSL=n
CONFIG_NULL_CHAN=y
CONFIG_CON_ZERO_CHAN="fd:0,fd:1"
CONFIG_CON_CHAN="null"
CONFIG_MCONSOLE=y
