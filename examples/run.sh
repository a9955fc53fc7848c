#!/bin/sh
# SPDX-License-Identifier: MIT
set -eu

usage()
{
	cat <<-'END'
	usage: examples/run.sh [--dry-run] [--builddir DIR] [--system NAME] [ARGUMENT...]

	Install the packages that are missing, build fend, and run the example that shows every part
	of it at work. Its arguments: [epoll|poll [URL]].

	  --dry-run       only say what would be installed and run
	  --builddir DIR  build in DIR, not in build-examples beside this script's directory
	  --system NAME   take package names for debian12, ubuntu, fedora, alpine or arch
	END
}

source_dir=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
# shellcheck source=tests/lib/packages.sh
. "$source_dir/tests/lib/packages.sh"

build_dir=$source_dir/build-examples
dry_run=0
system=$(packages_system)
while [ $# -gt 0 ]; do
	case $1 in
	--help)       usage; exit 0 ;;
	--dry-run)    dry_run=1 ;;
	--builddir)   build_dir=${2:?"--builddir needs a directory"}; shift ;;
	--builddir=*) build_dir=${1#*=} ;;
	--system)     system=${2:?"--system needs a name"}; shift ;;
	--system=*)   system=${1#*=} ;;
	--)           shift; break ;;
	-*)           usage >&2; exit 2 ;;
	*)            break ;;
	esac
	shift
done

packages_install "$system" "$dry_run" build
if [ "$dry_run" -eq 1 ]; then
	echo "fend: then $build_dir/examples/fend-all $*"
	exit 0
fi

# A build directory that is there keeps the options it was made with.
if [ ! -e "$build_dir/build.ninja" ]; then
	meson setup "$build_dir" "$source_dir" -Dexamples=enabled -Dtests=disabled
fi
meson compile -C "$build_dir"
exec "$build_dir/examples/fend-all" "$@"
