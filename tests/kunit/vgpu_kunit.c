// SPDX-License-Identifier: MIT
#include <linux/module.h>

MODULE_DESCRIPTION("Unit tests of the virtio-gpu driver's pure parts");
MODULE_LICENSE("Dual MIT/GPL");
