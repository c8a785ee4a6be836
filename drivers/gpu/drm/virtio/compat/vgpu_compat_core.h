/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#ifndef VGPU_COMPAT_CORE_H
#define VGPU_COMPAT_CORE_H

#include <linux/mm.h>

#if !VGPU_HAVE_VMA_IS_COW
static inline bool vma_is_cow_mapping(const struct vm_area_struct *vma)
{
	return is_cow_mapping(vma->vm_flags);
}
#endif

#endif
