#pragma once

#include <stdbool.h>

/**
 * Whether other hosts see a guest's file too, as libvirt 11.3 decides it before it lets the guest
 * go: by the type of its file system (virFileIsSharedFS), or because the administrator says so of a
 * folder above it, which is how a host that exports its own disk does (shared_filesystems in
 * qemu.conf).
 *
 * @root: descriptor of a folder with etc/libvirt/ and proc/ in it
 * @path: absolute
 */
bool ferry_storage_is_shared(int root, const char *path);
