# SPDX-License-Identifier: MIT
# bash completion for llmfoctl. Nothing is listed here: commands and options are what its --help
# says, names of chains, agents, providers, models and targets are what the daemon says, if one
# answers.

# _llmfoctl_options COMMAND WORD ...: the options that a --help lists.
_llmfoctl_options()
{
	"$@" --help 2>/dev/null | sed -n 's/^  \(--[a-z-]*\) .*/\1/p'
}

# _llmfoctl_takes_value OPTION: does one of the --help's on standard input give it a value?
_llmfoctl_takes_value()
{
	grep -q -e "^  $1 [^ ]"
}

# _llmfoctl_names KIND COMMAND WORD ...: what the daemon has of a kind (chain, agent, provider,
# model, target), a line each.
_llmfoctl_names()
{
	local kind=$1
	shift
	{ "$@" --json providers; "$@" --json chains; } 2>/dev/null | awk -F '"' -v kind="$kind" '
		function is(k, text) { if (k == kind && text !~ /\\/ && !seen[text]++) print text }
		/^  "/ { section = $2 }
		/^      "/ { list = $2 }
		/^      "name": "/ { name = $4; if (section == "providers") is("provider", name) }
		/^      "agent": / { is($0 ~ /true/ ? "agent" : "chain", name) }
		/^        "/ && list == "models" { is("model", $2); is("target", name "/" $2) }
		/^        "/ && list == "targets" { is("target", $2) }'
}

# _llmfoctl_values OPTION COMMAND WORD ...: what may stand behind an option.
_llmfoctl_values()
{
	local option=$1
	shift
	case $option in
	--chain | --agent | --provider | --model) _llmfoctl_names "${option#--}" "$@" ;;
	--targets) _llmfoctl_names target "$@" ;;
	--on-break) printf '%s\n' error restart continue ;;
	--strategy)
		printf '%s\n' sequential fastest load_balanced balanced cost_optimized \
			latency_optimized quality_optimized local_first capability_match
		;;
	--task)
		printf '%s\n' auto
		_llmfoctl_names chain "$@"
		;;
	--require | --prefer | --capability)
		printf '%s\n' chat code reasoning analysis vision long_context multilingual tools \
			json embedding
		[[ $option == --require ]] && printf '%s\n' local region:
		;;
	--max-latency | --for | --deadline | --interval) printf '%s\n' 1s 10s 30s 1m 5m 30m 1h ;;
	esac
}

# _llmfoctl_words COMMAND-OF-LLMFOCTL COMMAND WORD ...: what may stand behind a command.
_llmfoctl_words()
{
	local command=$1
	shift
	case $command in
	drill) _llmfoctl_names chain "$@" ;;
	check | force-provider) _llmfoctl_names provider "$@" ;;
	reset-health | enable | disable)
		_llmfoctl_names provider "$@"
		_llmfoctl_names target "$@"
		;;
	esac
}

# Puts the lines of standard input that begin so into COMPREPLY, with a text before each; without
# what stands before the last character at which bash begins a word.
_llmfoctl_offer()
{
	local begin=$1 before=$2 typed=$2$1 name cut=
	case $typed in
	*[:=]*) cut=${typed%"${typed##*[:=]}"} ;;
	esac
	while IFS= read -r name; do
		[[ $name == "$begin"* ]] && COMPREPLY+=("$before$name")
	done
	COMPREPLY=("${COMPREPLY[@]#"$cut"}")
}

_llmfoctl()
{
	local line=${COMP_LINE:0:COMP_POINT} current= previous= command= option= i
	local -a words program=("${1/#\~/$HOME}")

	COMPREPLY=()
	read -ra words <<<"$line"
	[[ $line == *[[:space:]] ]] && words+=("")
	current=${words[-1]}
	for ((i = 1; i < ${#words[@]} - 1; i++)); do
		case ${words[i]} in
		--socket=*) program+=("${words[i]}") ;;
		--socket)
			((i + 1 < ${#words[@]} - 1)) && program+=(--socket "${words[++i]}")
			;;
		-*) ;;
		*) command=${command:-${words[i]}} ;;
		esac
	done
	previous=${words[${#words[@]} - 2]}
	case $current in
	--*=*) option=${current%%=*} ;;
	*)	if [[ $previous == --* ]] && {
			"${program[0]}" --help
			[[ $command ]] && "${program[0]}" "$command" --help
		} 2>/dev/null | _llmfoctl_takes_value "$previous"; then
			option=$previous
		fi ;;
	esac
	if [[ $option == --socket ]]; then
		current=${current#--socket=}
		mapfile -t COMPREPLY < <(compgen -f -- "$current")
	elif [[ $option ]]; then
		local value=${current#"$option="} list=
		[[ $option == --@(targets|require|prefer|capability) && $value == *,* ]] && list=${value%,*},
		local before=${current%"$value"}$list
		_llmfoctl_offer "${value#"$list"}" "$before" \
			< <(_llmfoctl_values "$option" "${program[@]}")
	elif [[ $current == -* ]]; then
		_llmfoctl_offer "$current" "" < <(
			[[ $command ]] && _llmfoctl_options "${program[0]}" "$command"
			_llmfoctl_options "${program[0]}"
		)
	elif [[ ! $command ]]; then
		_llmfoctl_offer "$current" "" < <("${program[0]}" --help 2>/dev/null |
			sed -n 's/^  \([a-z][a-z-]*\) .*/\1/p')
	else
		_llmfoctl_offer "$current" "" < <(_llmfoctl_words "$command" "${program[@]}")
	fi
}

complete -F _llmfoctl llmfoctl
