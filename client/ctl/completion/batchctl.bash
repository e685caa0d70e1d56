# bash completion for batchctl; what is offered comes from batchctl itself.
_batchctl() {
        local IFS=$'\n'
        # "--mode=x" is three words for readline (COMP_WORDBREAKS has "="): put together again
        local words=() word
        for word in "${COMP_WORDS[@]:1:COMP_CWORD}"; do
                words+=("$word")
        done
        local typed="${words[${#words[@]} - 1]}"
        if [[ $typed == "=" && ${#words[@]} -ge 2 ]]; then
                words[${#words[@]} - 1]=""
                typed=""
        elif [[ ${#words[@]} -ge 3 && ${words[${#words[@]} - 2]} == "=" ]]; then
                unset "words[${#words[@]}-2]"
                words=("${words[@]}")
        fi
        COMPREPLY=($("${COMP_WORDS[0]}" __complete "${words[@]}" 2>/dev/null))
        if [[ ${COMPREPLY[0]} == ":files" ]]; then
                COMPREPLY=()
                compopt -o default
                return
        fi
        [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *= ]] && compopt -o nospace
}
complete -F _batchctl batchctl
