# SPDX-License-Identifier: MIT
#
# Find the checks of a C file, or take one away.
#
#   awk -f mutants.awk FILE           lines "NUMBER TEXT": each if whose body ends the
#                                     function with an errno, after a message at most
#   awk -v line=N -f mutants.awk FILE the file, with that condition evaluated and ignored

function condition_end(n,    depth, i, c, text)
{
	for (; n <= NR; n++) {
		text = source[n]
		for (i = 1; i <= length(text); i++) {
			c = substr(text, i, 1)
			depth += c == "("
			depth -= c == ")"
			if (c == ")" && !depth) {
				end_column = i
				return n
			}
		}
	}
	return 0
}

# Whether what follows line n is a return of an errno, or a block with a message and one.
function refuses(n,    braces)
{
	braces = substr(source[n], end_column + 1) ~ /{/
	for (n++; n <= NR; n++) {
		if (source[n] ~ /return (ERR_PTR\()?-E[A-Z]+\)?;/)
			return 1
		if (!braces || source[n] ~ /^\t*}/)
			return 0
		if (source[n] !~ /drm_(dbg|err)/ && source[n - 1] !~ /,$/)
			return 0
	}
	return 0
}

{ source[NR] = $0 }

END {
	for (n = 1; n <= NR; n++) {
		if (source[n] !~ /^\t+(} else )?if \(/)
			continue
		last = condition_end(n)
		if (!last || !refuses(last))
			continue
		if (!line) {
			text = source[n]
			sub(/^\t+/, "", text)
			print n, text
		} else if (n == line) {
			source[last] = substr(source[last], 1, end_column - 1) ")" substr(source[last], end_column)
			sub(/if \(/, "if (0 \\& !!(", source[n])
		}
	}
	for (n = 1; line && n <= NR; n++)
		print source[n]
}
