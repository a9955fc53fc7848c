#!/bin/sh
# SPDX-License-Identifier: MIT
set -eu

usage()
{
	cat <<-'END'
	usage: tests/run.sh [--dry-run] [--builddir DIR] [--system NAME] [-DOPTION=VALUE...]
	                    [ARGUMENT...]

	Install the packages that are missing, build fend, its examples and its tests, and run
	the tests. The arguments go to "meson test": names of tests, --suite NAME, --setup valgrind,
	--repeat N, --list, ...

	  --dry-run       only say what would be installed and run
	  --builddir DIR  build in DIR, not in build-tests beside this script's directory
	  --system NAME   take package names for debian12, ubuntu, fedora, alpine or arch
	  -DOPTION=VALUE  configure the build: meson_options.txt, and Meson's own options. All libraries
	                  and the examples are required unless switched off here. The build directory
	                  keeps its options until others are given.
	END
}

source_dir=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
# shellcheck source=tests/lib/packages.sh
. "$source_dir/tests/lib/packages.sh"

build_dir=$source_dir/build-tests
dry_run=0
system=$(packages_system)
required='-Dnet=enabled -Dtls=enabled -Ddns=enabled -Dtests=enabled -Dexamples=enabled'
options=
while [ $# -gt 0 ]; do
	case $1 in
	--help)       usage; exit 0 ;;
	--dry-run)    dry_run=1 ;;
	--builddir)   build_dir=${2:?"--builddir needs a directory"}; shift ;;
	--builddir=*) build_dir=${1#*=} ;;
	--system)     system=${2:?"--system needs a name"}; shift ;;
	--system=*)   system=${1#*=} ;;
	-D?*)         options="$options $1" ;;
	--)           shift; break ;;
	*)            break ;;
	esac
	shift
done

packages_install "$system" "$dry_run" build tests
if [ "$dry_run" -eq 1 ]; then
	echo "fend: then meson setup $required$options $build_dir $source_dir"
	echo "fend: then meson test -C $build_dir --print-errorlogs $*"
	exit 0
fi

# shellcheck disable=SC2086 # options are to be split into words
if [ ! -e "$build_dir/build.ninja" ]; then
	meson setup $required $options "$build_dir" "$source_dir"
elif [ "$options" ]; then
	meson setup --reconfigure $options "$build_dir" "$source_dir"
fi
exec meson test -C "$build_dir" --print-errorlogs "$@"
