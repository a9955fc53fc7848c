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

	  --self-test  in a repository of its own: a change made on purpose must be reported, and a new
	               version without one must not
	END
}

# libraries ROOT SOURCES OPTION...: build and install them in ROOT.
libraries()
{
	local root=$1 sources=$2
	shift 2
	meson setup --prefix /usr --libdir lib --buildtype debug -Ddefault_library=shared \
		-Dtests=disabled -Dexamples=disabled -Ddocs=disabled "$@" "$root.build" "$sources" \
		>"$root.log" &&
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

# differs OLD NEW LIBRARY: 0 and a report if programs that use OLD's could break with NEW's. What the
# libraries lend each other is not for programs, and has another name in each version.
differs()
{
	local status=0
	printf '[suppress_%s]\nsymbol_name_regexp = ^fend__\n' function variable >"$work/private"
	abidiff --suppressions "$work/private" --headers-dir1 "$1/usr/include" --headers-dir2 "$2/usr/include" \
		--drop-private-types --no-added-syms \
		"$1/usr/lib/$3.so" "$2/usr/lib/$3.so" || status=$?
	# abidiff(1): 1 and 2 are errors, 4 a change, 8 one that is certain to break programs.
	if [ $((status & 3)) -ne 0 ]; then
		echo "abidiff has failed" >&2
		exit 1
	fi
	[ "$status" -ne 0 ]
}

# compare REVISION OPTION...: builds with the options.
compare()
{
	local revision=$1 library name breaks=0
	shift
	rm -rf "$work"/{old,new,a,b}*
	mkdir "$work/old" "$work/new"
	git archive "$revision" | tar -x -C "$work/old"
	sources_of_tree "$work/new"
	libraries "$work/a" "$work/old" "$@"
	libraries "$work/b" "$work/new" "$@"
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

# The last tag, if any.
last_release()
{
	git describe --tags --abbrev=0 2>/dev/null
}

becomes_version()
{
	sed -i "s/^\(project('fend'.* version: '\)[^']*/\1$1/" meson.build
}

# says TEXT COMMAND...: the command succeeds and prints that.
says()
{
	local text=$1 output
	shift
	output=$("$@" 2>&1) && grep -F "$text" <<<"$output" && return
	printf '%s\n' "$output" "there is no \"$text\", or \"$*\" has failed" >&2
	return 1
}

self_test()
{
	mkdir "$work/tree"
	sources_of_tree "$work/tree"
	cd "$work/tree"
	git init -q
	git add --all
	git -c user.name=fend -c user.email=fend@fend.invalid commit -q -m release
	! last_release || return
	git tag v0.1.0
	becomes_version 0.99.0
	says 'libfend-core: programs built with v0.1.0 go on working' \
		compare "$(last_release)" -Dnet=disabled || return
	sed -i 's/fend_timer_after(struct fend_timer \*timer, fend_time delay)/fend_timer_after(struct fend_timer *timer, int delay)/' \
		libfend-core/include/fend/timer.h libfend-core/src/timer.c
	says fend_timer_after compare "$(last_release)" -Dnet=disabled || return
	becomes_version 1.0.0
	if compare "$(last_release)" -Dnet=disabled; then
		echo "from version 1.0 on a change has to be a failure" >&2
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
	if revision=${1:-$(last_release)}; then
		compare "$revision"
	else
		echo "no release is tagged yet: there is nothing to compare with"
	fi ;;
esac
