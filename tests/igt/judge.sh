# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# Choosing tests, and holding their results against what is expected, as TAP. To be sourced, by
# scripts in a guest too. "only" is an array of the patterns the user gave, "class" the
# device's class, "results" a file that collects lines "TEST RESULT", or empty.
only=() class='' results=''

# wanted NAME: whether NAME is among the tests that the user wants; all are if none is named.
wanted()
{
	local pattern
	[ ${#only[@]} -gt 0 ] || return 0
	for pattern in "${only[@]}"; do
		[[ $1 != *@* || $pattern == *@* ]] || pattern+='@*'
		# Globs are wanted here.
		# shellcheck disable=SC2053
		[[ $1 != $pattern ]] || return 0
	done
	return 1
}

# by_name PROGRAM@SUBTEST: whether the user named the subtest, not only its program.
by_name()
{
	local pattern
	for pattern in "${only[@]}"; do
		# Globs are wanted here.
		# shellcheck disable=SC2053
		[[ $pattern != *@* || $1 != $pattern ]] || return 0
	done
	return 1
}

# read_expectations FILE...: lines "CLASS PROGRAM@SUBTEST RESULT reason", the first two being
# globs. Files that do not exist are left out.
classes=() tests=() answers=()
read_expectations()
{
	local file c t answer
	for file; do
		[ -e "$file" ] || continue
		while read -r c t answer; do
			classes+=("$c") tests+=("$t") answers+=("$answer")
		done < <(awk '!/^#/ && NF >= 3 { print $1, $2, $3 }' "$file")
	done
}

# expected TEST: set $answer to the result in the last line that fits, to SUCCESS if none does.
expected()
{
	local i
	answer=SUCCESS
	for i in "${!tests[@]}"; do
		# Globs are wanted here.
		# shellcheck disable=SC2053
		if [[ $class == ${classes[i]} && $1 == ${tests[i]} ]]; then
			answer=${answers[i]}
		fi
	done
}

# choose TEST: set $answer to what is expected of a test that is to run. Those that end the
# device for the others (ALONE) run only when they are named.
choose()
{
	wanted "$1" || return 1
	expected "$1"
	[ "$answer" = ALONE ] || return 0
	by_name "$1" || return 1
	answer=FAIL
}

# section LOG SUBTEST: what a subtest said.
section()
{
	awk -v s="$2" '
		$0 == "Starting subtest: " s { p = 1 }
		p
		$1 == "Subtest" && $2 == s ":" { p = 0 }' "$1" 2>/dev/null || true
}

# verdict TEST GOT WANT WHY: print and count a result; WHY it was skipped.
count=0 passed=0 failed=0 skipped=0
verdict()
{
	local test=$1 got=$2 want=$3 why=$4
	count=$((count + 1))
	[ -z "$results" ] || echo "$test $got" >>"$results"
	if [ "$got" != "$want" ]; then
		failed=$((failed + 1))
		echo "not ok $count $test: $got, expected $want"
	elif [ "$got" = SKIP ]; then
		skipped=$((skipped + 1))
		echo "ok $count $test # SKIP $why"
	else
		passed=$((passed + 1))
		[ "$got" = SUCCESS ] || test+=" ($got, as expected)"
		echo "ok $count $test"
	fi
}

# judge LOG PROGRAM SUBTEST WANT: print and count the result of a subtest, and what it said if
# the result is not the expected one.
judge()
{
	local said got
	said=$(section "$1" "$3")
	got=$(awk -v s="$3:" '$1 == "Subtest" && $2 == s { print $3 }' <<<"$said")
	: "${got:=MISSING}"
	verdict "$2@$3" "$got" "$4" \
		"$(sed -n 's/^Test requirement not met: //p' <<<"$said" | head -n 1)"
	[ "$got" = "$4" ] || awk 'NR <= 40 { print "# " $0 }' <<<"$said"
}

# end_of_tests: the plan; status 1 if a test failed, or none ran.
end_of_tests()
{
	echo "1..$count"
	[ "$failed" -eq 0 ] && [ "$count" -gt 0 ]
}
