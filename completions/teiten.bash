# Completion of teiten(1) for bash.  Nothing is listed here: subcommands and options are read from
# the program's own help, so they are those of the installed version.

_teiten_subcommands()
{
	"$1" help 2>/dev/null | sed -n '/^Subcommands:/,/^$/s/^  \([a-z]*\) .*/\1/p'
}

_teiten_options()
{
	{ "$1" help "$2"; "$1" help; } 2>/dev/null |
		grep -oE '(^|[ [,|])--?[a-z][a-z-]*' | grep -oE -- '--?[a-z][a-z-]*' | sort -u
}

# The words of "usage: teiten NAME a|b|c …" and of "teiten NAME a …" lines.
_teiten_operands()
{
	"$1" help "$2" 2>/dev/null | sed -n '/^$/q;s/^\(usage:\)\{0,1\} *teiten '"$2"' \([a-z|]*\).*/\2/p' |
		tr '|' '\n' | sort -u
}

_teiten()
{
	local program=${COMP_WORDS[0]} cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}
	local subcommand=${COMP_WORDS[1]}

	COMPREPLY=()
	if ((COMP_CWORD == 1)); then
		mapfile -t COMPREPLY < <(compgen -W "$(_teiten_subcommands "$program") --version" -- "$cur")
		return
	fi
	if [[ $subcommand == help ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(_teiten_subcommands "$program")" -- "$cur")
		return
	fi
	case $prev in
	--lang)
		mapfile -t COMPREPLY < <(compgen -W 'ja en' -- "$cur")
		return ;;
	--basis)
		mapfile -t COMPREPLY < <(compgen -W 'address sensor-mean total' -- "$cur")
		return ;;
	--split)
		mapfile -t COMPREPLY < <(compgen -W 'mark sensor country kind' -- "$cur")
		return ;;
	--last)
		mapfile -t COMPREPLY < <(compgen -W '1d 7d 4w 13w' -- "$cur")
		return ;;
	-c | -r | -s | -o | --read | --store | --output | --svg | --rules | --table)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return ;;
	esac
	if [[ $cur == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(_teiten_options "$program" "$subcommand")" -- "$cur")
		return
	fi
	mapfile -t COMPREPLY < <(compgen -W "$(_teiten_operands "$program" "$subcommand")" -- "$cur")
	if ((${#COMPREPLY[@]} == 0)); then
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
	fi
}

complete -o filenames -F _teiten teiten
