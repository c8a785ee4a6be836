// SPDX-License-Identifier: MIT
/*
 * Counts what any driver of a virtio GPU makes the kernel do, from the outside: what
 * goes through the virtio core to the device, its notifications and interrupts, and
 * the memory that is allocated meanwhile.
 *
 * /sys/kernel/debug/vgpu_probe: write 1 to set the counters to 0 and let them count, 0
 * to stop them; read "NAME VALUE" lines.
 */

#include <linux/debugfs.h>
#include <linux/hrtimer.h>
#include <linux/kallsyms.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/scatterlist.h>
#include <linux/seq_file.h>
#include <linux/tracepoint.h>
#include <linux/virtio.h>
#include <linux/virtio_gpu.h>
#include <linux/virtio_ids.h>

enum vgpu_probe_counter {
	VGPU_PROBE_KICKS,
	VGPU_PROBE_INTERRUPTS,
	VGPU_PROBE_COMMANDS,
	VGPU_PROBE_WIRE_BYTES,
	VGPU_PROBE_UPLOAD_BYTES,
	VGPU_PROBE_FLUSH_BYTES,
	VGPU_PROBE_VBLANK_TIMERS,
	VGPU_PROBE_SLAB_ALLOCS,
	VGPU_PROBE_PAGE_ALLOCS,
	VGPU_PROBE_PAGES_HELD,
	VGPU_PROBE_NUM_COUNTERS
};

static const char * const vgpu_probe_names[] = {
	[VGPU_PROBE_KICKS] = "kicks",
	[VGPU_PROBE_INTERRUPTS] = "interrupts",
	[VGPU_PROBE_COMMANDS] = "commands",
	[VGPU_PROBE_WIRE_BYTES] = "wire-bytes",
	[VGPU_PROBE_UPLOAD_BYTES] = "upload-bytes",
	[VGPU_PROBE_FLUSH_BYTES] = "flush-bytes",
	[VGPU_PROBE_VBLANK_TIMERS] = "vblank-timers",
	[VGPU_PROBE_SLAB_ALLOCS] = "slab-allocs",
	[VGPU_PROBE_PAGE_ALLOCS] = "page-allocs",
	[VGPU_PROBE_PAGES_HELD] = "pages-held",
};

static atomic64_t vgpu_probe_counters[VGPU_PROBE_NUM_COUNTERS];
static DEFINE_MUTEX(vgpu_probe_lock);
static bool vgpu_probe_armed;

static void vgpu_probe_add(enum vgpu_probe_counter counter, s64 value)
{
	atomic64_add(value, &vgpu_probe_counters[counter]);
}

static bool vgpu_probe_is_gpu(struct virtqueue *vq)
{
	return vq->vdev->id.device == VIRTIO_ID_GPU;
}

/* How many bytes of pixels a request moves to the host, four bytes a pixel. */
static u64 vgpu_probe_upload_bytes(const void *request, unsigned int size)
{
	const struct virtio_gpu_ctrl_hdr *hdr = request;
	const struct virtio_gpu_transfer_to_host_2d *flat = request;
	const struct virtio_gpu_transfer_host_3d *deep = request;

	switch (le32_to_cpu(hdr->type)) {
	case VIRTIO_GPU_CMD_TRANSFER_TO_HOST_2D:
		if (size < sizeof(*flat))
			return 0;
		return 4ull * le32_to_cpu(flat->r.width) * le32_to_cpu(flat->r.height);
	case VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D:
		if (size < sizeof(*deep))
			return 0;
		return 4ull * le32_to_cpu(deep->box.w) * le32_to_cpu(deep->box.h) *
		       le32_to_cpu(deep->box.d);
	default:
		return 0;
	}
}

/* How many bytes of a screen a request has the host show, four bytes a pixel. */
static u64 vgpu_probe_flush_bytes(const void *request, unsigned int size)
{
	const struct virtio_gpu_resource_flush *flush = request;

	if (size < sizeof(*flush) ||
	    le32_to_cpu(flush->hdr.type) != VIRTIO_GPU_CMD_RESOURCE_FLUSH)
		return 0;
	return 4ull * le32_to_cpu(flush->r.width) * le32_to_cpu(flush->r.height);
}

/* virtqueue_add_sgs(vq, sgs, out_sgs, in_sgs, data, gfp) */
static int vgpu_probe_add_sgs(struct kprobe *probe, struct pt_regs *regs)
{
	struct virtqueue *vq = (void *)regs_get_kernel_argument(regs, 0);
	struct scatterlist **sgs = (void *)regs_get_kernel_argument(regs, 1);
	unsigned int out = regs_get_kernel_argument(regs, 2), i;
	struct scatterlist *sg;

	if (!vgpu_probe_is_gpu(vq) || !out)
		return 0;
	vgpu_probe_add(VGPU_PROBE_COMMANDS, 1);
	vgpu_probe_add(VGPU_PROBE_UPLOAD_BYTES,
		       vgpu_probe_upload_bytes(sg_virt(sgs[0]), sgs[0]->length));
	vgpu_probe_add(VGPU_PROBE_FLUSH_BYTES,
		       vgpu_probe_flush_bytes(sg_virt(sgs[0]), sgs[0]->length));
	for (i = 0; i < out; i++)
		for (sg = sgs[i]; sg; sg = sg_next(sg))
			vgpu_probe_add(VGPU_PROBE_WIRE_BYTES, sg->length);
	return 0;
}

/* vp_notify(vq) */
static int vgpu_probe_notify(struct kprobe *probe, struct pt_regs *regs)
{
	if (vgpu_probe_is_gpu((void *)regs_get_kernel_argument(regs, 0)))
		vgpu_probe_add(VGPU_PROBE_KICKS, 1);
	return 0;
}

/* vring_interrupt(irq, vq) */
static int vgpu_probe_interrupt(struct kprobe *probe, struct pt_regs *regs)
{
	if (vgpu_probe_is_gpu((void *)regs_get_kernel_argument(regs, 1)))
		vgpu_probe_add(VGPU_PROBE_INTERRUPTS, 1);
	return 0;
}

static struct kprobe vgpu_probe_kprobes[] = {
	{ .symbol_name = "virtqueue_add_sgs", .pre_handler = vgpu_probe_add_sgs,
	  .flags = KPROBE_FLAG_DISABLED },
	{ .symbol_name = "vp_notify", .pre_handler = vgpu_probe_notify,
	  .flags = KPROBE_FLAG_DISABLED },
	{ .symbol_name = "vring_interrupt", .pre_handler = vgpu_probe_interrupt,
	  .flags = KPROBE_FLAG_DISABLED },
};

/* For all tracepoints of the slab: only that they were passed is of interest. */
static void vgpu_probe_slab_alloc(void *data)
{
	vgpu_probe_add(VGPU_PROBE_SLAB_ALLOCS, 1);
}

static void vgpu_probe_page_alloc(void *data, struct page *page, unsigned int order)
{
	if (!page)
		return;
	vgpu_probe_add(VGPU_PROBE_PAGE_ALLOCS, 1);
	vgpu_probe_add(VGPU_PROBE_PAGES_HELD, 1l << order);
}

static void vgpu_probe_page_free(void *data, struct page *page, unsigned int order)
{
	vgpu_probe_add(VGPU_PROBE_PAGES_HELD, -(1l << order));
}

static void vgpu_probe_page_free_batched(void *data, struct page *page)
{
	vgpu_probe_add(VGPU_PROBE_PAGES_HELD, -1);
}

/* The timer that simulates the vblank, of DRM or of the driver, is known by its function. */
static void vgpu_probe_timer(void *data, struct hrtimer *timer, ktime_t *now)
{
	char name[KSYM_SYMBOL_LEN];

	snprintf(name, sizeof(name), "%ps", ACCESS_PRIVATE(timer, function));
	if (strstr(name, "vblank") || strstr(name, "[virtio_gpu]"))
		vgpu_probe_add(VGPU_PROBE_VBLANK_TIMERS, 1);
}

static struct vgpu_probe_tracepoint {
	const char *name;
	void *function;
	struct tracepoint *found;
} vgpu_probe_tracepoints[] = {
	{ "kmalloc", vgpu_probe_slab_alloc },
	{ "kmem_cache_alloc", vgpu_probe_slab_alloc },
	{ "mm_page_alloc", vgpu_probe_page_alloc },
	{ "mm_page_free", vgpu_probe_page_free },
	{ "mm_page_free_batched", vgpu_probe_page_free_batched },
	{ "hrtimer_expire_entry", vgpu_probe_timer },
};

static void vgpu_probe_find(struct tracepoint *tp, void *unused)
{
	struct vgpu_probe_tracepoint *t;

	for (t = vgpu_probe_tracepoints;
	     t < vgpu_probe_tracepoints + ARRAY_SIZE(vgpu_probe_tracepoints); t++)
		if (!strcmp(t->name, tp->name))
			t->found = tp;
}

static void vgpu_probe_disarm(void)
{
	unsigned int i;

	if (!vgpu_probe_armed)
		return;
	vgpu_probe_armed = false;
	for (i = 0; i < ARRAY_SIZE(vgpu_probe_tracepoints); i++)
		tracepoint_probe_unregister(vgpu_probe_tracepoints[i].found,
					    vgpu_probe_tracepoints[i].function, NULL);
	for (i = 0; i < ARRAY_SIZE(vgpu_probe_kprobes); i++)
		disable_kprobe(&vgpu_probe_kprobes[i]);
}

static int vgpu_probe_arm(void)
{
	unsigned int i;
	int ret = 0;

	vgpu_probe_disarm();
	for (i = 0; i < ARRAY_SIZE(vgpu_probe_counters); i++)
		atomic64_set(&vgpu_probe_counters[i], 0);
	vgpu_probe_armed = true;
	for (i = 0; !ret && i < ARRAY_SIZE(vgpu_probe_tracepoints); i++)
		ret = tracepoint_probe_register(vgpu_probe_tracepoints[i].found,
						vgpu_probe_tracepoints[i].function, NULL);
	for (i = 0; !ret && i < ARRAY_SIZE(vgpu_probe_kprobes); i++)
		ret = enable_kprobe(&vgpu_probe_kprobes[i]);
	if (ret)
		vgpu_probe_disarm();
	return ret;
}

static ssize_t vgpu_probe_write(struct file *file, const char __user *from, size_t size,
				loff_t *at)
{
	bool on;
	int ret;

	ret = kstrtobool_from_user(from, size, &on);
	if (ret)
		return ret;
	mutex_lock(&vgpu_probe_lock);
	if (on)
		ret = vgpu_probe_arm();
	else
		vgpu_probe_disarm();
	mutex_unlock(&vgpu_probe_lock);
	return ret ?: size;
}

static int vgpu_probe_show(struct seq_file *seq, void *unused)
{
	unsigned int i;

	for (i = 0; i < VGPU_PROBE_NUM_COUNTERS; i++)
		seq_printf(seq, "%s %lld\n", vgpu_probe_names[i],
			   atomic64_read(&vgpu_probe_counters[i]));
	return 0;
}

static int vgpu_probe_open(struct inode *inode, struct file *file)
{
	return single_open(file, vgpu_probe_show, NULL);
}

static const struct file_operations vgpu_probe_fops = {
	.owner = THIS_MODULE,
	.open = vgpu_probe_open,
	.read = seq_read,
	.write = vgpu_probe_write,
	.llseek = seq_lseek,
	.release = single_release,
};

static struct dentry *vgpu_probe_file;

static void vgpu_probe_unregister(unsigned int count)
{
	while (count--)
		unregister_kprobe(&vgpu_probe_kprobes[count]);
}

static int __init vgpu_probe_init(void)
{
	unsigned int i;
	int ret;

	for_each_kernel_tracepoint(vgpu_probe_find, NULL);
	for (i = 0; i < ARRAY_SIZE(vgpu_probe_tracepoints); i++) {
		if (!vgpu_probe_tracepoints[i].found) {
			pr_err("vgpu_probe: no tracepoint %s\n", vgpu_probe_tracepoints[i].name);
			return -ENOENT;
		}
	}
	for (i = 0; i < ARRAY_SIZE(vgpu_probe_kprobes); i++) {
		ret = register_kprobe(&vgpu_probe_kprobes[i]);
		if (ret) {
			pr_err("vgpu_probe: no probe on %s: %pe\n", vgpu_probe_kprobes[i].symbol_name,
			       ERR_PTR(ret));
			vgpu_probe_unregister(i);
			return ret;
		}
	}
	vgpu_probe_file = debugfs_create_file("vgpu_probe", 0600, NULL, NULL, &vgpu_probe_fops);
	return 0;
}

static void __exit vgpu_probe_exit(void)
{
	debugfs_remove(vgpu_probe_file);
	vgpu_probe_disarm();
	tracepoint_synchronize_unregister();
	vgpu_probe_unregister(ARRAY_SIZE(vgpu_probe_kprobes));
}

module_init(vgpu_probe_init);
module_exit(vgpu_probe_exit);

MODULE_DESCRIPTION("Counts what a driver of a virtio GPU makes the kernel do");
MODULE_LICENSE("Dual MIT/GPL");
