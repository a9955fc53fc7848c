# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# Small Debian systems to try things in, for tests/extended.sh. The caller sets build, a directory of
# its own, and roots, a directory with what debootstrap has made before, NAME/ each, or nothing.
# Needs root.

: "${build:?}"

# root_make ARCHITECTURE: the base system of Debian 12 in $build/root, with fend's sources at /fend.
root_make()
{
	rm -rf --one-file-system "$build/root" && mkdir "$build/root" || return
	if [ "${roots:-}" ] && [ -d "$roots/$1" ]; then
		cp -a "$roots/$1/." "$build/root"
	else
		debootstrap --arch="$1" --variant=minbase bookworm "$build/root"
	fi || return
	cp /etc/resolv.conf "$build/root/etc/resolv.conf"
	mkdir "$build/root/fend"
	root_sources "$build/root/fend"
}

# root_sources DIRECTORY: the sources as they are committed or about to be.
root_sources()
{
	git ls-files -z | tar -c --null -T - | tar -x -C "$1"
}

# inside COMMAND...: run it in the system, with the mounts that a machine has: the tests of name
# resolution mount over files, those of terminals open some.
inside()
{
	# shellcheck disable=SC2016 # expanded inside
	unshare --mount --pid --fork --kill-child -- sh -c '
		mount --bind "$1" "$1" && mount -t proc proc "$1/proc" && mount --rbind /dev "$1/dev" &&
		cd "$1" && shift && exec chroot . "$@"' sh "$build/root" "$@"
}

root_remove()
{
	rm -rf --one-file-system "$build/root"
}
