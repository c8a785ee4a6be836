/* SPDX-License-Identifier: MIT */
#ifndef VGPU_HOST_UNIX_H
#define VGPU_HOST_UNIX_H

int unix_listen(const char *path);
int unix_accept(int fd);
int unix_connect(const char *path);

#endif
