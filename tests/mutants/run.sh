#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Mutants: patches beside this script, each of which breaks one promise. The head of a patch says which
# one, and which tests must notice:
#
#	Guarantee 4: a timer never fires early.
#	Caught by: core/timer /timer/random-deadlines-fire-in-order
#	Dispatcher: epoll
#
# There may be several tests. Without a dispatcher it is all of them; each test must fail on each. A
# patch that is called core-... concerns libfend-core alone, and so on.
set -u

usage()
{
	cat <<-'END'
	usage: tests/mutants/run.sh [--builddir DIR] [NAME...]

	In a copy of the sources apply each patch (or those named, without .patch), build, and run the
	tests that must notice: they have to pass without the patch and to fail with it.

	  --builddir DIR  work in DIR, not in build-mutants beside the sources; what is there stays
	END
}

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
source_dir=$(CDPATH='' cd -- "$here/../.." && pwd -P)
work=$source_dir/build-mutants
while [ $# -gt 0 ]; do
	case $1 in
	--help)     usage; exit 0 ;;
	--builddir) work=${2:?"--builddir needs a directory"}; shift ;;
	-*)         usage >&2; exit 2 ;;
	*)          break ;;
	esac
	shift
done

patches=()
if [ $# -gt 0 ]; then
	for name; do patches+=("$here/$name.patch"); done
else
	patches=("$here"/*.patch)
fi
for patch in "${patches[@]}"; do
	[ -e "$patch" ] || { echo "there is no $patch" >&2; exit 2; }
done

# A test that hangs has noticed; none needs half as long when all is well.
seconds=$((10 * ${FEND_TEST_SLOW:-1}))
ulimit -c 0
unset FEND_DISPATCHER G_MESSAGES_DEBUG
export G_DEBUG=fatal-warnings MALLOC_PERTURB_=165

# field NAME PATCH: the values of a line in the head of a patch.
field()
{
	sed -n "/^--- /q; s/^$1: //p" "$2"
}

# program TEST: the executable of core/timer is tests/test-core-timer.
program()
{
	echo "tests/test-${1//\//-}"
}

# passes TEST CASE DISPATCHER: does the case run, and pass?
passes()
(
	exec 2>/dev/null # where the shell tells what a test died of
	FEND_DISPATCHER=$3 timeout -k 1 $seconds "$work/build/$(program "$1")" -p "$2" \
		>"$work/test.log" 2>&1 </dev/null && grep -q '^ok ' "$work/test.log"
)

dispatchers()
{
	local dispatcher
	dispatcher=$(field Dispatcher "$1")
	echo "${dispatcher:-epoll poll}"
}

build()
{
	ninja -C "$work/build" "${targets[@]}" >"$work/build.log" 2>&1 ||
		{ tail -n 30 "$work/build.log"; return 1; }
}

# What the patches need, and no more.
libraries=''
for library in net tls dns; do
	case " ${patches[*]##*/}" in
	*" $library-"*) libraries="$libraries -D$library=enabled" ;;
	*)              libraries="$libraries -D$library=disabled" ;;
	esac
done
case $libraries in
*tls=enabled*|*dns=enabled*) libraries=${libraries/net=disabled/net=enabled} ;;
esac
mapfile -t targets < <(for patch in "${patches[@]}"; do
	field 'Caught by' "$patch" | while read -r test _; do program "$test"; done
done | sort -u)

rm -rf --one-file-system "$work/tree"
mkdir -p "$work/tree" || exit 2
(cd "$source_dir" && git ls-files -z | tar -c --null -T -) | tar -x -m -C "$work/tree" || exit 2
if [ "$(cat "$work/options" 2>/dev/null)" != "$libraries" ]; then
	rm -rf --one-file-system "$work/build"
	# shellcheck disable=SC2086 # options are to be split into words
	meson setup "$work/build" "$work/tree" -Dbuildtype=debug -Dtests=enabled -Dexamples=disabled \
		$libraries >"$work/build.log" 2>&1 || { tail -n 30 "$work/build.log"; exit 2; }
	echo "$libraries" >"$work/options"
fi
build || exit 2

# Whatever is to notice a mutant must be content without one.
discontent=$(for patch in "${patches[@]}"; do
	for dispatcher in $(dispatchers "$patch"); do
		field 'Caught by' "$patch" | sed "s/\$/ $dispatcher/"
	done
done | sort -u | while read -r test case dispatcher; do
	passes "$test" "$case" "$dispatcher" || echo "$test $case $dispatcher"
done)
if [ "$discontent" ]; then
	echo "these fail without any mutant:"
	echo "$discontent"
	exit 2
fi

# mutate PATCH: sets verdict.
mutate()
{
	local patch=$1 test case dispatcher survived=''
	if ! patch -p1 -s -d "$work/tree" <"$patch" >"$work/build.log" 2>&1; then
		verdict='does not apply'
		return
	fi
	if ! build >/dev/null; then
		verdict='does not compile'
	else
		while read -r test case; do
			for dispatcher in $(dispatchers "$patch"); do
				passes "$test" "$case" "$dispatcher" &&
					survived="$survived $case ($dispatcher)"
			done
		done < <(field 'Caught by' "$patch")
		verdict=${survived:+SURVIVED$survived}
	fi
	patch -p1 -s -R -d "$work/tree" <"$patch"
}

caught=0
for patch in "${patches[@]}"; do
	verdict=
	mutate "$patch"
	name=${patch##*/}
	if [ "$verdict" ]; then
		printf '%-50s %s\n' "${name%.patch}" "$verdict"
	else
		caught=$((caught + 1))
		printf '%-50s caught by %s\n' "${name%.patch}" \
			"$(field 'Caught by' "$patch" | sed 's/^[^ ]* //' | paste -s -d ' ')"
	fi
done
echo "${#patches[@]} mutants, $caught caught, $((${#patches[@]} - caught)) not, in $SECONDS s"
[ $caught -eq ${#patches[@]} ]
