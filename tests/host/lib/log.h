/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdlib.h>

extern int log_verbose;

void log_print(const char *tag, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* What only --verbose shows, what is always shown, and what ends the process with status 2. */
#define log_info(...) do { if (log_verbose) log_print("", __VA_ARGS__); } while (0)
#define log_warn(...) log_print("warning: ", __VA_ARGS__)
#define log_die(...) do { log_print("fatal: ", __VA_ARGS__); exit(2); } while (0)

void *xcalloc(unsigned long n, unsigned long size);
