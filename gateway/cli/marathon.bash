# Completion of marathon(1) for bash.

_marathon()
{
    local cur prev command options
    cur=${COMP_WORDS[COMP_CWORD]}
    prev=${COMP_WORDS[COMP_CWORD - 1]}
    command=${COMP_WORDS[1]}
    COMPREPLY=()
    if ((COMP_CWORD == 1)); then
        mapfile -t COMPREPLY < <(compgen -W "dev run start watch status list items logs result cancel pause resume
            signal recover fork history pipelines workers usage dead-letters keys healthcheck doctor --help --version" -- "$cur")
        return
    fi
    case $prev in
    -o | --output)
        mapfile -t COMPREPLY < <(compgen -W "table json" -- "$cur")
        return
        ;;
    --status)
        mapfile -t COMPREPLY < <(compgen -W "pending running recovering completed failed cancelled paused waiting budget_exceeded" -- "$cur")
        return
        ;;
    --data | --pipelines)
        mapfile -t COMPREPLY < <(compgen -d -- "$cur")
        return
        ;;
    -f | --functions | --file)
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
        return
        ;;
    -i | --input | --steps)
        mapfile -t COMPREPLY < <(compgen -P @ -f -- "${cur#@}")
        return
        ;;
    esac
    options="--server --output --quiet --no-color --retry-for --help"
    case $command in
    dev) options+=" --port --data --workers --slots --pipelines --functions" ;;
    run | start)
        options+=" --input --steps --version --id --session --key --priority --max-retries --budget --max-duration --checkpoint-interval --no-checkpoints"
        ;;
    status) options+=" --key" ;;
    list) options+=" --status --type --limit --cursor" ;;
    items) options+=" --status --limit --cursor" ;;
    result) options+=" --step" ;;
    cancel | pause) options+=" --reason --by" ;;
    resume) options+=" --budget --reason --by" ;;
    signal) options+=" --data --key --reason --by" ;;
    recover) options+=" --input --from-step --only-failed --checkpoint --key --watch --reason --by" ;;
    fork) options+=" --from-step --checkpoint --input --id --key --reason --by" ;;
    history) options+=" --brief --cursor" ;;
    usage) options+=" --by --since --until" ;;
    keys) options+=" --file --read" ;;
    pipelines) options+=" --version --dot --cursor" ;;
    dead-letters) options+=" --all --cursor --key" ;;
    healthcheck) options+=" --live" ;;
    esac
    if [[ $cur == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$options" -- "$cur")
        return
    fi
    # Names that the server knows; silence where it is away.
    if [[ $command == pipelines ]]; then
        case ${COMP_WORDS[2]} in
        apply | validate)
            mapfile -t COMPREPLY < <(compgen -f -- "$cur")
            return
            ;;
        esac
        if ((COMP_CWORD == 2)); then
            mapfile -t COMPREPLY < <(compgen -W "list show versions graph validate apply" -- "$cur")
            return
        fi
    fi
    case $command in
    run | start | pipelines)
        mapfile -t COMPREPLY < <(compgen -W "$(marathon pipelines -q --retry-for 0 2>/dev/null |
            awk 'NR > 1 { print $1 }')" -- "$cur")
        ;;
    dead-letters)
        mapfile -t COMPREPLY < <(compgen -W "list requeue" -- "$cur")
        ;;
    watch | status | items | logs | result | cancel | pause | resume | signal | recover | fork | history)
        mapfile -t COMPREPLY < <(compgen -W "$(marathon list -q --limit 200 --retry-for 0 2>/dev/null |
            awk 'NR > 1 { print $1 }')" -- "$cur")
        ;;
    esac
}
complete -F _marathon marathon
