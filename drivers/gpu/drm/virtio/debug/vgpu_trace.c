// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* The bodies of the trace points. */

#define CREATE_TRACE_POINTS
#include "debug/vgpu_trace.h"
