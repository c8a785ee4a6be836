# SPDX-License-Identifier: MIT
# Replace each name of compat/ by what it stands for on the newest kernel. scripts/in-tree fails if
# one is left.
s/\bvgpu_compat_commit_put\b/drm_atomic_commit_put/g
s/\bvgpu_compat_commit\b/drm_atomic_commit/g
/^VGPU_COMPAT_\(FB_CREATE\|ASYNC_CHECK\)(/,/^$/d
s/\b\(vgpu_framebuffer_create\|vgpu_cursor_async_check\)_compat\b/\1/
s/\bVGPU_COMPAT_INVALIDATE_MAPPINGS\b/invalidate_mappings/
s/^\tVGPU_COMPAT_GEM_FOPS$/\t.get_unmapped_area = drm_gem_get_unmapped_area,/
/^\tVGPU_COMPAT_DRIVER_DATE$/d
s/^\tVGPU_COMPAT_SHUTDOWN(\(.*\))$/\t.shutdown = \1,/
s/VGPU_COMPAT_NS_DMA_BUF/"DMA_BUF"/
s/vgpu_compat_wedged_event(\(.*\), true)/drm_dev_wedged_event(\1, DRM_WEDGE_RECOVERY_REBIND, NULL)/
s/vgpu_compat_wedged_event(\(.*\), false)/drm_dev_wedged_event(\1, DRM_WEDGE_RECOVERY_NONE, NULL)/
# A fence's lock is in struct dma_fence, and the core clears the ops of a signalled fence.
s/vgpu_compat_fence_lock(\(.*\), &fence->lock)/dma_fence_spinlock(\1)/
s/vgpu_compat_fence_init(\(.*\), &fence->lock, /dma_fence_init(\1, NULL, /
/^\tstruct vgpu_compat_fence_lock lock;$/d
/^ \* @lock: protects @base; part of the fence/d
s/^\( \* @wanted: the fence has a waiter; protected by \)@lock$/\1the lock of @base/
s/^\( \* @vq: the queue of @msg; protected by \)@lock$/\1the lock of @base/
s/^\( \*       before vgpu_fence_bind(); protected by \)@lock$/\1the lock of @base/
/^\tvgpu_compat_fence_detach(.*);$/d
s/!vgpu_compat_fence_has_ops(\([a-z]*\), \(&[a-z_]*\))/rcu_access_pointer(\1->ops) != \2/
s/vgpu_compat_fence_has_ops(\([a-z]*\), \(&[a-z_]*\))/rcu_access_pointer(\1->ops) == \2/
# The vblank timer of the core.
/^#include <drm\/drm_probe_helper.h>$/{N;s/\n#include <drm\/drm_vblank.h>$/&\n#include <drm\/drm_vblank_helper.h>/}
s/\bstruct vgpu_compat_crtc crtc;/struct drm_crtc crtc;/
s/^ \* @crtc: base of the CRTC$/ * @crtc: the CRTC/
s/\bcrtc\.base\b/crtc/g
/^\tvgpu_compat_crtc_fini(.*);$/d
s/^\tvgpu_compat_vblank_timer(.*);$/\tnext = READ_ONCE(vblank->vblank_timer.timer.node.expires);\n\tframe = READ_ONCE(vblank->vblank_timer.interval);/
s/vgpu_compat_shmem_has_one_user(&gem->base)/refcount_read(\&gem->base.pages_use_count) == 1 \&\&\n\t       refcount_read(\&gem->base.pages_pin_count) == 1/
s/vgpu_compat_panic_pages(sb, \(.*\));/sb->pages = \1;/
# The kernel's tree has the header of the user interface, and a module of it no version of its own.
s/^#include "uapi\/drm\/virtgpu_drm.h"$/#include <drm\/virtgpu_drm.h>/
/^MODULE_VERSION(/d
s/^MODULE_AUTHOR(.*/MODULE_AUTHOR("The virtio_gpu maintainers");/
