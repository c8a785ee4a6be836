/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#ifndef VGPU_COMPAT_CORE_H
#define VGPU_COMPAT_CORE_H

#include <linux/cleanup.h>
#include <linux/mm.h>

#ifdef __CHECKER__
/* On older kernels sparse counts locks, but does not see that a guard unlocks at the end. */
#define vgpu_compat_no_guard(...)	do { } while (0)
#undef guard
#define guard(...)			vgpu_compat_no_guard
#undef scoped_guard
#define scoped_guard(...)
#endif

#if !VGPU_HAVE_VMA_IS_COW
static inline bool vma_is_cow_mapping(const struct vm_area_struct *vma)
{
	return is_cow_mapping(vma->vm_flags);
}
#endif

#endif
