#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The interface of the libraries in this tree beside that of an earlier revision, as abidiff sees it.
set -eu

usage()
{
	cat <<-'END'
	usage: tests/packaging/abi.sh [--self-test | REVISION]

	Build REVISION, by default the last tag, and this tree, and report what programs built with the
	former would meet in the latter. From version 1.0 on a change that breaks them, under the same
	soname, is a failure.

	  --self-test  a change made on purpose must be reported, and no change must not
	END
}

# libraries ROOT SOURCES OPTION...: build and install them in ROOT.
libraries()
{
	local root=$1 sources=$2
	shift 2
	meson setup --prefix /usr --libdir lib --buildtype debug -Ddefault_library=shared \
		-Dtests=disabled -Dexamples=disabled "$@" "$root.build" "$sources" >"$root.log" &&
		meson install -C "$root.build" --destdir "$root" >>"$root.log" && return
	cat "$root.log" >&2
	return 1
}

sources_of_tree()
{
	git ls-files -z | tar -c --null -T - | tar -x -C "$1"
}

soname()
{
	readelf -dW "$1" | sed -n 's/.*SONAME.*\[\(.*\)\]/\1/p'
}

# differs OLD NEW LIBRARY: 0 and a report if programs that use OLD's could break with NEW's.
differs()
{
	local status=0
	abidiff --headers-dir1 "$1/usr/include" --headers-dir2 "$2/usr/include" \
		--drop-private-types --no-added-syms \
		"$1/usr/lib/$3.so" "$2/usr/lib/$3.so" || status=$?
	# abidiff(1): 1 and 2 are errors, 4 a change, 8 one that is certain to break programs.
	if [ $((status & 3)) -ne 0 ]; then
		echo "abidiff has failed" >&2
		exit 1
	fi
	[ "$status" -ne 0 ]
}

self_test()
{
	mkdir "$work/same" "$work/other"
	sources_of_tree "$work/same"
	sources_of_tree "$work/other"
	sed -i 's/fend_timer_after(struct fend_timer \*timer, fend_time delay)/fend_timer_after(struct fend_timer *timer, int delay)/' \
		"$work/other/libfend-core/include/fend/timer.h" "$work/other/libfend-core/src/timer.c"
	libraries "$work/a" "$work/same" -Dnet=disabled
	libraries "$work/b" "$work/same" -Dnet=disabled
	libraries "$work/c" "$work/other" -Dnet=disabled
	if differs "$work/a" "$work/b" libfend-core; then
		echo "without a change something is reported" >&2
		return 1
	fi
	if ! differs "$work/a" "$work/c" libfend-core | grep 'fend_timer_after'; then
		echo "a change is not reported" >&2
		return 1
	fi
	echo "a change is reported, and no change is not"
}

compare()
{
	local revision=$1 library name breaks=0
	mkdir "$work/old" "$work/new"
	git archive "$revision" | tar -x -C "$work/old"
	sources_of_tree "$work/new"
	libraries "$work/a" "$work/old"
	libraries "$work/b" "$work/new"
	for library in "$work"/a/usr/lib/libfend-*.so; do
		name=$(basename "$library" .so)
		if [ "$(soname "$library")" != "$(soname "$work/b/usr/lib/$name.so")" ]; then
			echo "$name: its soname has changed since $revision"
		elif differs "$work/a" "$work/b" "$name"; then
			echo "$name: differs from $revision under the same soname"
			breaks=1
		else
			echo "$name: programs built with $revision go on working"
		fi
	done
	if [ $breaks -eq 1 ] && ! grep -q "^project('fend'.* version: '0\." meson.build; then
		echo "raise the soversion of the libraries that differ" >&2
		return 1
	fi
}

cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
case ${1:-} in
--self-test) self_test ;;
-*)          usage; [ "$1" = --help ] ;;
*)
	if revision=${1:-$(git describe --tags --abbrev=0 2>/dev/null)}; then
		compare "$revision"
	else
		echo "no release is tagged yet: there is nothing to compare with"
	fi ;;
esac
