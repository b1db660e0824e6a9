#include "completion.hpp"

#include <algorithm>
#include <utility>

namespace berth::inline host_v1::cli {

namespace {

/// One word as it was typed, and whether bash has cut off "--flag" and "=" before it.
struct LastWord {
    std::string text;
    const FlagRow* split_flag = nullptr;
};

/// Puts together what bash's COMP_WORDBREAKS took apart: "--config" "=" "x", "local/a" ":" "/x".
std::vector<std::string> rejoined(std::vector<std::string> words) {
    std::vector<std::string> result;
    for (std::size_t index = 0; index < words.size(); ++index) {
        const bool glue = (words[index] == "=" || words[index] == ":") && !result.empty() && index > 0;
        if (glue) {
            result.back() += words[index];
            if (index + 1 < words.size()) result.back() += words[++index];
        } else {
            result.push_back(std::move(words[index]));
        }
    }
    return result;
}

bool was_split(const std::vector<std::string>& words) {
    return (!words.empty() && words.back() == "=") || (words.size() > 1 && words[words.size() - 2] == "=");
}

void keep_matching(std::vector<std::string>& candidates, std::string_view typed) {
    std::erase_if(candidates, [typed](const std::string& word) { return !word.starts_with(typed); });
}

/// What the flags and words before the last say.
struct Place {
    const CommandRow* command = nullptr;
    std::string group;
    const FlagRow* open_flag = nullptr;  ///< the last word is its value
    std::size_t words = 0;               ///< words of the command before the last
    bool beyond = false;                 ///< in an argv, or after something that is no command
};

const FlagRow* flag_of_word(const CommandRow* command, std::string_view word, std::string& value, bool& has_value) {
    const auto equals = word.find('=');
    has_value = word.starts_with("--") && equals != std::string_view::npos;
    if (has_value) value = word.substr(equals + 1);
    return find_flag(command, has_value ? word.substr(0, equals) : word);
}

void note_value(CompletionAnswer& answer, const FlagRow& flag, std::string value) {
    if (flag.name == "config")
        answer.configuration = std::move(value);
    else if (flag.name == "plugin-dir")
        answer.plugin_directories.push_back(std::move(value));
}

void take_word(Place& place, const std::string& word) {
    if (place.command != nullptr) {
        if (place.command->passes == Passes::argv && place.words == place.command->most) place.beyond = true;
        ++place.words;
        return;
    }
    place.command = find_command(place.group, word);
    if (place.command != nullptr) return;
    const auto known = groups();
    const bool is_group =
        std::any_of(known.begin(), known.end(), [&](const GroupRow& row) { return row.name == word; });
    if (is_group && place.group.empty()) {
        place.group = word;
    } else {
        place.beyond = true;
    }
}

Place find_place(const std::vector<std::string>& words, CompletionAnswer& answer) {
    Place place;
    for (std::size_t index = 0; index + 1 < words.size() && !place.beyond; ++index) {
        const auto& word = words[index];
        if (word == "--") {
            place.beyond = true;
        } else if (word.size() > 1 && word.front() == '-') {
            std::string value;
            bool has_value = false;
            const auto* flag = flag_of_word(place.command, word, value, has_value);
            if (flag == nullptr || flag->value.empty()) continue;
            if (has_value) {
                note_value(answer, *flag, std::move(value));
            } else if (index + 2 == words.size()) {
                place.open_flag = flag;
            } else {
                note_value(answer, *flag, words[++index]);
            }
        } else {
            take_word(place, word);
        }
    }
    return place;
}

void offer(CompletionAnswer& answer, Completes what) {
    answer.wanted = what;
    answer.candidates = known_words(what);
    keep_matching(answer.candidates, answer.typed);
}

}  // namespace

std::vector<std::string> known_words(Completes what) {
    switch (what) {
        case Completes::format:
            return {"table", "json", "jsonl", "name"};
        case Completes::network:
            return {"none", "host", "outbound", "allow:"};
        case Completes::shell:
            return {"bash", "zsh", "fish"};
        default:
            return {};
    }
}

CompletionAnswer complete(std::vector<std::string> words) {
    CompletionAnswer answer;
    if (words.empty()) words.emplace_back();
    const bool split = was_split(words);
    words = rejoined(std::move(words));
    const auto place = find_place(words, answer);
    answer.typed = words.back();
    if (place.open_flag != nullptr) {
        offer(answer, place.open_flag->completes);
        return answer;
    }
    if (place.beyond) return answer;
    if (answer.typed.starts_with('-')) {
        std::string value;
        bool has_value = false;
        const auto* flag = flag_of_word(place.command, answer.typed, value, has_value);
        if (has_value && flag != nullptr) {
            if (!split) answer.before = "--" + std::string(flag->name) + "=";
            answer.typed = value;
            offer(answer, flag->completes);
            return answer;
        }
        answer.candidates = flag_words(place.command);
        keep_matching(answer.candidates, answer.typed);
        std::erase_if(answer.candidates, [](const std::string& word) { return !word.starts_with("--"); });
        return answer;
    }
    if (place.command == nullptr) {
        answer.candidates = command_words(place.group);
        keep_matching(answer.candidates, answer.typed);
        return answer;
    }
    if (place.words < place.command->most) offer(answer, place.words == 0 ? place.command->first : place.command->rest);
    return answer;
}

std::string completion_script(std::string_view shell) {
    if (shell == "bash") {
        return R"(# Completion of berth for bash: source <(berth completion bash)
_berth() {
    local current=${COMP_WORDS[COMP_CWORD]} candidate
    [[ $current == = || $current == : ]] && current=
    COMPREPLY=()
    while IFS= read -r candidate; do
        case $candidate in
            $'\tfiles')
                compopt -o filenames 2>/dev/null
                while IFS= read -r candidate; do COMPREPLY+=("$candidate"); done < <(compgen -f -- "$current") ;;
            $'\tdirectories')
                compopt -o filenames 2>/dev/null
                while IFS= read -r candidate; do COMPREPLY+=("$candidate"); done < <(compgen -d -- "$current") ;;
            *[=:/]) compopt -o nospace 2>/dev/null; COMPREPLY+=("$candidate") ;;
            *) COMPREPLY+=("$candidate") ;;
        esac
    done < <("$1" __complete -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F _berth berth
)";
    }
    if (shell == "zsh") {
        return R"(#compdef berth
# Completion of berth for zsh: source <(berth completion zsh)
_berth() {
    local -a candidates
    candidates=("${(@f)$("${words[1]}" __complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)}")
    local files=$candidates[(I)$'\tfiles'] directories=$candidates[(I)$'\tdirectories']
    candidates=("${(@)candidates:#$'\t'*}")
    candidates=("${(@)candidates:#}")
    (( $#candidates )) && compadd -a candidates
    (( files )) && _files
    (( directories )) && _files -/
    return 0
}
compdef _berth berth
)";
    }
    return R"(# Completion of berth for fish: berth completion fish | source
function __berth_complete
    set -l words (commandline -opc) (commandline -ct)
    for candidate in ($words[1] __complete -- $words[2..-1] 2>/dev/null)
        switch $candidate
            case \tfiles
                __fish_complete_path (commandline -ct)
            case \tdirectories
                __fish_complete_directories (commandline -ct)
            case '*'
                echo $candidate
        end
    end
end
complete -c berth -f -a '(__berth_complete)'
)";
}

}  // namespace berth::inline host_v1::cli
