# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# Counting checks, for .ci/run and tests/extended.sh. The caller sets build, a directory of its own.
# Which TLS providers there are to check with is said here.

: "${build:?}"
# shellcheck disable=SC2034 # used by who sources this
providers='gnutls openssl'
passed=0
failed=0
skipped=0
failures=()

# check NAME COMMAND...: one check, which COMMAND passes by ending with status 0.
check()
{
	local name=$1 log=$build/check.log start=$SECONDS
	shift
	if "$@" >"$log" 2>&1 </dev/null; then
		passed=$((passed + 1))
		echo "ok      $name ($((SECONDS - start)) s)"
	else
		failed=$((failed + 1))
		failures+=("$name")
		echo "FAILED  $name ($((SECONDS - start)) s): $*"
		tail -n 100 "$log"
	fi
}

# suite NAME LOG ARGUMENT...: tests/run.sh in build-ci/NAME, where LOG is the name of Meson's record.
suite()
{
	local name=$1 log=$build/$1/meson-logs/$2.json start=$SECONDS output=$build/$1-$2.log
	local counts status line
	shift 2
	rm -f "$log"
	tests/run.sh --builddir "$build/$name" "$@" >"$output" 2>&1 </dev/null
	status=$?
	if counts=$(python3 .ci/count.py "$log" 2>"$build/count.log"); then
		read -r -a counts <<<"$counts"
	else
		counts=(0 1 0)
	fi
	if [ $status -ne 0 ] && [ "${counts[1]}" -eq 0 ]; then
		counts[1]=1
		echo "ended with status $status" >>"$build/count.log"
	fi
	passed=$((passed + counts[0]))
	failed=$((failed + counts[1]))
	skipped=$((skipped + counts[2]))
	echo "tests   $name $*: ${counts[0]} passed, ${counts[1]} failed, ${counts[2]} skipped" \
		"($((SECONDS - start)) s)"
	while read -r line; do
		failures+=("$name: $line")
	done <"$build/count.log"
	[ "${counts[1]}" -eq 0 ] || tail -n 300 "$output"
}

# What did not pass, and the line that ends everything; succeeds if nothing failed or was skipped.
finish()
{
	[ ${#failures[@]} -eq 0 ] || printf '%s\n' "${failures[@]}"
	echo "after $((SECONDS / 60)) minutes:"
	echo "$passed passed, $failed failed, $skipped skipped"
	[ $failed -eq 0 ] && [ $skipped -eq 0 ]
}
