# Completion of ferry for bash.  What there is to complete comes from ferry's own help, so that it is
# never out of date; names, of guests, devices or jobs, come from its lists.

# The candidates for a word that the help calls $1.
_ferry_names() {
	case $1 in
	GUEST) ferry guest list ;;
	JOB) ferry job list ;;
	HOST | NAME) ferry host list ;;
	DEVICE) ferry device list ;;
	MDEV) ferry mdev list ;;
	PF) ferry pf list | awk '{ print $1 } NR > 1 && $2 != "-" { print $2 }' ;;
	POOL) ferry pool list ;;
	RESERVATION) ferry reservation list ;;
	PARENT) ferry mdev types | awk '$1 != "or"' ;;
	TYPE) ferry mdev types | awk '$2 != "-" { print $2 }' ;;
	FILE | PATH | DIR) compgen -f -- "$2" | sed 1i- ;;
	esac 2>/dev/null | awk 'NR > 1 { print $1 }'
}

# What the help, on stdin, calls the value of option $1: "  -o, --output FILE  ...", in capital letters only.
_ferry_value() {
	awk -v option="$1" '/^  -/ {
		if (option ~ /^--/) sub(/-., /, ""); else sub(/, --[a-z-]*/, "")
		if ($1 == option && $2 ~ /^[A-Z]+[^a-z]*$/) print $2 }'
}

_ferry() {
	local cur=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
	local commands=() help words i n=0
	for ((i = 1; i < COMP_CWORD; i++)); do
		[[ ${COMP_WORDS[i]} == -* || ${COMP_WORDS[i - 1]} == --socket ]] || commands+=("${COMP_WORDS[i]}")
	done
	help=$(ferry "${commands[@]:0:2}" --help 2>/dev/null)
	words=$(_ferry_value "$previous" <<<"$help")
	if [[ $previous == -* && -n $words ]]; then
		words=$(_ferry_names "$words" "$cur")
	elif [[ $cur == -* ]]; then
		words=$(awk '/^  -/ { for (i = 1; i < 3; i++) if ($i ~ /^--/) print $i }' <<<"$help")
	elif [[ ${#commands[@]} -eq 0 ]]; then
		words=$(awk '/^  [a-z]/ { print $1 }' <<<"$help")
	elif [[ $help == *"COMMAND ..."* ]]; then
		words=$(awk '/^  ferry / { print $3 }' <<<"$help")
	else
		# the n-th word, less the commands' own, as the first line of the help has it
		for ((i = 1; i < COMP_CWORD; i++)); do
			[[ ${COMP_WORDS[i]} == -* || -n $(_ferry_value "${COMP_WORDS[i - 1]}" <<<"$help") ]] || ((n++))
		done
		words=$(awk -v n="$n" 'NR == 1 { for (i = 3; i <= NF; i++)
			if ($i ~ /^[a-z-]+$/) n--
			else if ($i ~ /^\[?[A-Z]+\]?$/ && n-- == 0) { gsub(/[][]/, "", $i); print $i } }' <<<"$help")
		words=$(_ferry_names "$words" "$cur")
	fi
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
}

complete -o filenames -F _ferry ferry
