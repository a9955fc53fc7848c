#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The checks that take too long for .ci/run; it ends with the same line of counts.
set -u

usage()
{
	cat <<-'END'
	usage: tests/extended.sh [--root DIR] [STEP...]

	  fresh   examples/run.sh and tests/run.sh in a Debian 12 with nothing but its base system
	  matrix  every compiler, kind of library and set of dispatchers, optimised
	  bulk    a GiB through streams, both ways, plain and through layers (FEND_TEST_BYTES)
	  soak    every test and the examples, many times over (FEND_SOAK, 25 by default)

	Without a STEP all of them. --root: a copy of DIR, which "debootstrap --variant=minbase bookworm"
	has made, serves "fresh", instead of running debootstrap again. "fresh" needs root.
	END
}

root=
while [ $# -gt 0 ]; do
	case $1 in
	--root) root=${2:?"--root needs a directory"}; shift ;;
	-*)     usage; [ "$1" = --help ]; exit ;;
	*)      break ;;
	esac
	shift
done
[ $# -gt 0 ] || set -- fresh matrix bulk soak

cd "$(dirname "$0")/.." || exit 1
build=$PWD/build-extended
source tests/lib/packages.sh
source .ci/checks.sh

# inside COMMAND...: run it in the fresh system, with the sources at /fend and with the mounts that a
# machine has: the tests of name resolution mount over files, those of terminals open some.
inside()
{
	# shellcheck disable=SC2016 # expanded inside
	unshare --mount --pid --fork --kill-child -- sh -c '
		mount --bind "$1" "$1" && mount -t proc proc "$1/proc" && mount --rbind /dev "$1/dev" &&
		cd "$1" && shift && exec chroot . "$@"' sh "$build/root" "$@"
}

inside_installs_nothing()
{
	inside "$@" && grep -q 'no package is missing' "$build/check.log"
}

nginx_is_off()
{
	! ls "$build"/root/etc/rc?.d/S??nginx "$build"/root/usr/sbin/policy-rc.d
}

make_root()
{
	rm -rf --one-file-system "$build/root" && mkdir "$build/root" || return
	if [ "$root" ]; then
		cp -a "$root/." "$build/root"
	else
		debootstrap --variant=minbase bookworm "$build/root"
	fi || return
	cp /etc/resolv.conf "$build/root/etc/resolv.conf"
	mkdir "$build/root/fend"
	git ls-files -z | tar -c --null -T - | tar -x -C "$build/root/fend"
}

fresh()
{
	check 'a fresh Debian 12' make_root
	check 'fresh: examples/run.sh epoll' inside /fend/examples/run.sh epoll
	check 'fresh: examples/run.sh poll' inside_installs_nothing /fend/examples/run.sh poll
	check 'fresh: tests/run.sh' inside /fend/tests/run.sh
	check 'fresh: tests/run.sh again' inside_installs_nothing /fend/tests/run.sh
	check 'fresh: nginx does not start by itself' nginx_is_off
	rm -rf --one-file-system "$build/root"
}

matrix()
{
	local compiler library set
	for compiler in 'gcc g++' 'clang clang++'; do
		for library in shared static both; do
			for set in epoll poll poll,epoll; do
				CC=${compiler% *} CXX=${compiler#* } \
					suite "${compiler% *}-$library-${set/,/-}" testlog -Dbuildtype=release \
					-Ddefault_library=$library -Ddispatchers=$set
			done
		done
	done
}

bulk()
{
	FEND_TEST_BYTES=${FEND_TEST_BYTES:-$((1 << 30))} suite bulk testlog --timeout-multiplier 60 \
		'net/stream-transfer epoll' 'net/stream-transfer poll'
}

soak()
{
	local i
	suite soak testlog --repeat "${FEND_SOAK:-25}" --no-suite package
	for ((i = 1; i <= ${FEND_SOAK:-25}; i++)); do
		check "examples, round $i" examples/run.sh --builddir "$build/examples" \
			"$([ $((i % 2)) -eq 0 ] && echo epoll || echo poll)"
	done
}

rm -rf --one-file-system "$build"
mkdir "$build" || exit 1
packages_install "$(packages_system)" 0 build tests ci more || exit 1
for step; do
	case $step in
	fresh|matrix|bulk|soak) $step ;;
	*) usage >&2; exit 2 ;;
	esac
done
finish
