/* SPDX-License-Identifier: MIT */
/*
 * The parameter "mutant" of the module, and a report of the mutants that were reached. The script
 * "run" appends this text to one source file of the driver.
 */
#include <linux/module.h>
#include <linux/moduleparam.h>

#define VGPU_MUTANT_LINE 700

unsigned int vgpu_mutant_chosen;
u8 vgpu_mutants_reached[VGPU_MUTANTS_MAX];

/* Print the mutants that were reached since the last report, as numbers "FROM-TO". */
static void vgpu_mutant_report(void *arg)
{
	static char line[VGPU_MUTANT_LINE];
	unsigned int n, from = 0, used = 0;

	for (n = 1; n <= VGPU_MUTANTS_MAX; n++) {
		bool reached = n < VGPU_MUTANTS_MAX && vgpu_mutants_reached[n];

		if (reached && !from)
			from = n;
		if (!reached && from) {
			used += scnprintf(line + used, sizeof(line) - used, " %u-%u", from, n - 1);
			from = 0;
		}
		if (used > VGPU_MUTANT_LINE - 20 || (used && n == VGPU_MUTANTS_MAX)) {
			pr_info("mutants reached:%s\n", line);
			used = 0;
		}
	}
	memset(vgpu_mutants_reached, 0, sizeof(vgpu_mutants_reached));
}

/* A write while the module is loaded is a report, too. The kernel frees the parameter at unload. */
static int vgpu_mutant_set(const char *val, const struct kernel_param *kp)
{
	if (THIS_MODULE->state == MODULE_STATE_LIVE)
		vgpu_mutant_report(NULL);
	return param_set_uint(val, kp);
}

static const struct kernel_param_ops vgpu_mutant_ops = {
	.set = vgpu_mutant_set,
	.get = param_get_uint,
	.free = vgpu_mutant_report,
};
module_param_cb(mutant, &vgpu_mutant_ops, &vgpu_mutant_chosen, 0644);
