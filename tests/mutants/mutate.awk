# SPDX-License-Identifier: MIT
#
# Put all mutants of a C file into it, each behind a test of its number, so that one build has them
# all and a parameter of the module chooses.
#
#   awk -v first=N -v name=FILE -v list=LIST -f mutate.awk FILE
#
# prints the file with the mutants N, N + 1, ... and appends to LIST a line for each, separated by
# tabs: number, file, line, function, class, kind, text. The class is "logic", or "order" for locks
# and barriers, which a machine with one processor cannot judge. The kinds:
#
#   never, always   a condition that counts as false, as true
#   left, right     only one side of && or ||
#   edge            < for <=, > for >=, and the other way round
#   call, store     a call, or a store to memory, that is left out; a store to a command, whose memory is
#                   not cleared, is followed by garbage instead, lest it keep what the command before had there
#   error           0 instead of an errno
#   invert          the other truth value of a function
#   one             without the + 1 or - 1
#   swap            two calls in a row, the other way round; not two that only initialise, or that only
#                   drop references to different objects
#   lock            lock and unlock of one lock, in one function, left out
#   barrier         a plain access, or none, instead of an ordering one

# Add a mutant and return its number.
function mutant(n, class, kind, text)
{
	gsub(/[ \t\n]+/, " ", text)
	sub(/^ /, "", text)
	printf "%d\t%s\t%d\t%s\t%s\t%s\t%s\n", number, name, n, in_function, class, kind, text >>list
	return number++
}

# Find the end of what opens at line n, column at: sets last_line and last_column of the bracket
# that closes. Strings and characters are passed over.
function close_bracket(n, at,    depth, i, c, text, quote)
{
	depth = 0
	quote = ""
	for (; n <= NR; n++) {
		text = source[n]
		for (i = at; i <= length(text); i++) {
			c = substr(text, i, 1)
			if (quote != "") {
				if (c == "\\")
					i++
				else if (c == quote)
					quote = ""
				continue
			}
			if (c == "\"" || c == "'")
				quote = c
			else if (c == "(")
				depth++
			else if (c == ")" && !--depth) {
				last_line = n
				last_column = i
				return 1
			}
		}
		at = 1
	}
	return 0
}

# The operators && and || outside of brackets in a text: sets op_count and op_at (of the last).
function top_level(text,    depth, i, c, two)
{
	op_count = depth = 0
	for (i = 1; i <= length(text); i++) {
		c = substr(text, i, 1)
		two = substr(text, i, 2)
		if (c == "(" || c == "[" || c == "{")
			depth++
		else if (c == ")" || c == "]" || c == "}")
			depth--
		else if (!depth && (two == "&&" || two == "||")) {
			op_count++
			op_at = i
			i++
		}
	}
}

# The text with its only comparison moved by one; "" if it has none, or several.
function edge(text,    n, moved)
{
	moved = text
	n = gsub(/ <= /, " \001 ", moved) + gsub(/ >= /, " \002 ", moved) + \
		gsub(/ < /, " <= ", moved) + gsub(/ > /, " >= ", moved)
	gsub("\001", "<", moved)
	gsub("\002", ">", moved)
	return n == 1 ? moved : ""
}

# The expression for a condition with all its mutants.
function condition(n, text, loop,    all, alt, never)
{
	all = text
	top_level(text)
	if (op_count == 1) {
		all = "vgpu_mutant(" mutant(n, "logic", "left", text) ") ? !!(" substr(text, 1, op_at - 1) ") : " \
			"vgpu_mutant(" mutant(n, "logic", "right", text) ") ? !!(" substr(text, op_at + 2) ") : !!(" all ")"
	} else if ((alt = edge(text)) != "") {
		all = "vgpu_mutant(" mutant(n, "logic", "edge", text) ") ? (" alt ") : (" all ")"
	}
	never = mutant(n, "logic", "never", text)
	if (loop)
		return "({ bool vgpu_held = !!(" all "); vgpu_mutant(" never ") ? false : vgpu_held; })"
	return "({ bool vgpu_held = !!(" all "); vgpu_mutant(" never ") ? false : " \
		"vgpu_mutant(" mutant(n, "logic", "always", text) ") ? true : vgpu_held; })"
}

# The text of lines n to m.
function joined(n, m,    text)
{
	for (text = source[n++]; n <= m; n++)
		text = text "\n" source[n]
	return text
}

# Replace lines n to m by a text of as many lines.
function replace(n, m, text)
{
	out[n] = text
	for (n++; n <= m; n++)
		out[n] = "\001"
}

# Leave out the statement of lines n to m when the mutant is chosen.
function leave_out(n, m, id,    text)
{
	text = joined(n, m)
	match(text, /^\t+/)
	replace(n, m, substr(text, 1, RLENGTH) "do { if (!vgpu_mutant(" id ")) " substr(text, RLENGTH + 1) " } while (0);")
}

# Have what the statement of lines n to m stores overwritten when the mutant is chosen.
function garble(n, m, id,    text, target)
{
	text = joined(n, m)
	match(text, /^\t+/)
	target = substr(text, RLENGTH + 1)
	sub(/ = .*/, "", target)
	replace(n, m, substr(text, 1, RLENGTH) "do { " substr(text, RLENGTH + 1) " if (vgpu_mutant(" id ")) " \
		"memset(&(" target "), 0x5a, sizeof(" target ")); } while (0);")
}

# Whether a statement is only for the reader of a log, or is checked by the compiler.
function is_talk(text)
{
	return text ~ /^\t+(drm_(dbg|err|warn|info|notice)|dev_|pr_|trace_|lockdep_|might_|WARN|BUILD_BUG|static_assert|kunit_|KUNIT|guard\(|__|va_|seq_|DRM_|MODULE_|EXPORT_|LIST_HEAD|LLIST_HEAD|DEFINE_|DECLARE_|[A-Z_]+_ONSTACK|dma_fence_(begin|end)_signalling|fs_reclaim)/
}

# The first argument of a call, without &.
function argument(text)
{
	sub(/^\t+[a-zA-Z_0-9]+\(&?/, "", text)
	sub(/[,)].*/, "", text)
	return text
}

# Whether nobody can see the order of two calls.
function commute(a, b,    init, drop)
{
	init = "^\t+(INIT_[A-Z_]+|(mutex|hash|ida|kref|vgpu)[a-z_]*_init|init_[a-z_]+)\\("
	drop = "^\t+(k|kv)?free\\(|^\t+[a-z_]+_(put|free)\\("
	if (a ~ init && b ~ init)
		return 1
	return a ~ drop && b ~ drop && index(argument(a), argument(b)) != 1 && index(argument(b), argument(a)) != 1
}

function lock_of(text,    word)
{
	word = text
	sub(/^\t+/, "", word)
	if (word !~ /^(mutex_(lock|unlock)|spin_(lock|unlock)[a-z_]*|dma_resv_(lock|unlock)|read_(un)?lock|write_(un)?lock)\(/)
		return ""
	sub(/^[a-z_]+\(/, "", word)
	sub(/(, [a-z_]+)?\);$/, "", word)
	return word
}

# One mutant for a lock in a function: taken and released, or neither.
function lock(n, text,    which, id)
{
	which = in_function SUBSEP lock_of(text)
	if (!(which in lock_id))
		lock_id[which] = mutant(n, "order", "lock", text)
	id = lock_id[which]
	# A lock that saves flags needs them set.
	if (text ~ /irqsave/)
		return
	leave_out(n, n, id)
}

function statement(n,    text, head, i)
{
	text = source[n]
	if (is_talk(text))
		return n
	if (lock_of(text) != "") {
		lock(n, text)
		return n
	}
	if (text ~ /^\t+smp_[a-z_]*mb[a-z_]*\(\);/) {
		leave_out(n, n, mutant(n, "order", "barrier", text))
		return n
	}
	if (text ~ /^\t+smp_store_release\(.*\);$/) {
		head = text
		sub(/smp_store_release\(/, "WRITE_ONCE(*", head)
		match(text, /^\t+/)
		replace(n, n, substr(text, 1, RLENGTH) "do { if (vgpu_mutant(" mutant(n, "order", "barrier", text) ")) " \
			substr(head, RLENGTH + 1) " else " substr(text, RLENGTH + 1) " } while (0);")
		return n
	}
	# A call, of one line or more.
	if (match(text, /^\t+[a-zA-Z_][a-zA-Z0-9_]*\(/) && close_bracket(n, RLENGTH)) {
		if (substr(source[last_line], last_column + 1) != ";")
			return n
		i = last_line
		# Two calls in a row can also change places.
		if (i == n && call_before == n - 1 && !is_talk(source[n - 1]) && indent(n) == indent(n - 1) && \
		    !braceless(n - 1) && !commute(source[n - 1], text)) {
			head = mutant(n, "logic", "swap", source[n - 1] source[n])
			id = mutant(n, "logic", "call", text)
			replace(n - 1, n, "\tdo { if (vgpu_mutant(" head ")) { " source[n] " " source[n - 1] " } else { " \
				"if (!vgpu_mutant(" call_id ")) " source[n - 1] " if (!vgpu_mutant(" id ")) " source[n] " } } while (0);")
			call_before = 0
			return n
		}
		call_id = mutant(n, "logic", "call", joined(n, i))
		leave_out(n, i, call_id)
		call_before = i == n ? n : 0
		return i
	}
	# A store to memory: the target has "->", "." or "[", or is what a pointer points to.
	if (text ~ /^\t+(\*[a-z_]+|[a-z_][a-z_0-9]*(->|\.|\[)[^=]*) ([-+|&]|<<|>>)?= / || \
	    text ~ /^\t+[a-z_][a-z_0-9]*(->|\.|\[)[^=(]*(\+\+|--);$/) {
		for (i = n; i <= NR && source[i] !~ /;$/; i++)
			if (source[i] ~ /[{]$/)
				return n
		id = mutant(n, "logic", "store", joined(n, i))
		if (name ~ /vgpu_cmd_build/ && text ~ /^\t+(req|hdr)->[^=]* = /)
			garble(n, i, id)
		else
			leave_out(n, i, id)
		return i
	}
	if (text ~ /^\t+return -E[A-Z]+;$/) {
		sub(/return /, "return vgpu_mutant(" mutant(n, "logic", "error", text) ") ? 0 : ", text)
		replace(n, n, text)
		return n
	}
	if (is_bool && text ~ /^\t+return [^;]+;$/) {
		head = text
		sub(/^\t+return /, "", head)
		sub(/;$/, "", head)
		match(text, /^\t+/)
		replace(n, n, substr(text, 1, RLENGTH) "return vgpu_mutant(" mutant(n, "logic", "invert", text) ") ^ !!(" head ");")
		return n
	}
	if (text ~ /^\t+(return|[a-z_]+ =) [^;]* [-+] 1;$/ && text !~ /[?]/) {
		head = text
		sub(/^\t+(return|[a-z_]+ =) /, "", head)
		sub(/;$/, "", head)
		i = head
		sub(/ [-+] 1$/, "", i)
		match(text, /^\t+(return|[a-z_]+ =) /)
		replace(n, n, substr(text, 1, RLENGTH) "vgpu_mutant(" mutant(n, "logic", "one", text) ") ? " i " : " head ";")
	}
	return n
}

# Whether line n goes on with the expression of the line before.
function continues(n)
{
	return source[n - 1] ~ /([,=&|?+(<>-]| [*\/:])$/
}

function indent(n)
{
	match(source[n], /^\t+/)
	return RLENGTH
}

# Whether line n is the body of an if or loop without braces.
function braceless(n,    i)
{
	for (i = n - 1; i > 0 && source[i] ~ /^[ \t]*$/; i--)
		;
	return source[i] !~ /[;{}]$/ && source[i] !~ /\*\/$/ && source[i] !~ /:$/
}

{ source[NR] = $0 }

END {
	number = first
	for (n = 1; n <= NR; n++)
		out[n] = source[n]
	for (n = 1; n <= NR; n++) {
		text = source[n]
		if (text ~ /^[a-z].*\(/ && text !~ /;$/ && text !~ /^(struct|enum|union) [a-z_0-9]+ [{]/) {
			head = text
			sub(/\(.*/, "", head)
			sub(/.*[ *]/, "", head)
			signature = head
			bool_signature = text ~ /^(static )?(inline )?bool /
		}
		if (text == "{" && n > 1) {
			in_function = signature
			is_bool = bool_signature
			call_before = 0
			continue
		}
		if (text ~ /^}/)
			in_function = ""
		if (in_function == "" || text ~ /^#/ || text ~ /\\$/ || text ~ /^\t*(\/?\*|$)/)
			continue
		if (match(text, /^\t+(} else )?(if|while) \(/)) {
			loop = text ~ /^\t+while/
			start = RLENGTH
			if (!close_bracket(n, start))
				continue
			whole = joined(n, last_line)
			tail = substr(source[last_line], last_column + 1)
			inner = substr(whole, start + 1, length(whole) - start - 1 - length(tail))
			# A wait of the kernel's that is a statement, and conditions for the compiler only.
			if (tail ~ /^;/ || inner ~ /WARN_ON|IS_ENABLED/)
				continue
			m = last_line
			replace(n, m, substr(whole, 1, start) condition(n, inner, loop) ")" tail)
			n = m
			continue
		}
		if (text ~ /^\t/ && !continues(n))
			n = statement(n)
	}
	for (n = 1; n <= NR; n++)
		if (out[n] != "\001")
			print out[n]
	print number > "/dev/stderr"
}
