#include "command_line.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iterator>
#include <utility>

#include "../base/error.hpp"
#include "../base/text.hpp"
#include "diagnostics.hpp"

namespace berth::inline host_v1::cli {

namespace {

constexpr std::string_view words_key = "words";

[[noreturn]] void fail(std::string message, std::string hint) {
    throw Error(cli_diagnostics::wrong_usage, std::move(message), std::move(hint));
}

std::string help_hint(const CommandRow* command) {
    return command == nullptr ? "`berth --help` lists the commands"
                              : "`berth " + command->full_name() + " --help` explains it";
}

[[noreturn]] void unknown_command(const std::string& group, const std::string& word) {
    const auto known = command_words(group);
    const auto prefix = group.empty() ? std::string() : group + " ";
    const auto nearest = nearest_name(word, known);
    fail("unknown command " + berth::quoted(prefix + word),
         nearest ? "did you mean `berth " + prefix + *nearest + "`?"
                 : (group.empty() ? help_hint(nullptr) : "there are: " + prefix + listed(known)));
}

[[noreturn]] void unknown_flag(const CommandRow* command, const std::string& word) {
    const auto name = word.substr(0, word.find('='));
    const bool is_long = name.size() > 2 && name[1] == '-';  // of letters, every one is near to every other
    const auto nearest = is_long ? nearest_name(name, flag_words(command)) : std::nullopt;
    fail("unknown flag " + berth::quoted(name), nearest ? "did you mean " + *nearest + "?" : help_hint(command));
}

/// How many words a flag takes besides its own: `-w DIR` one, `-wDIR`, `--workdir=DIR`, `-i` and unknown ones none.
std::size_t words_after_flag(const CommandRow* command, std::string_view word) {
    if (word.substr(0, 2) == "--") {
        if (word.find('=') != std::string_view::npos) return 0;
        const auto* flag = find_flag(command, word);
        return flag != nullptr && !flag->value.empty() ? 1 : 0;
    }
    for (std::size_t index = 1; index < word.size(); ++index) {
        const auto* flag = find_flag(command, std::string("-") + word[index]);
        if (flag != nullptr && !flag->value.empty()) return index + 1 == word.size() ? 1 : 0;
    }
    return 0;
}

/// CLI11 takes the next word as the value of `--name=`; split in two, it takes the empty one.
std::vector<std::string> our_words(const CommandRow* command, std::vector<std::string> words, std::size_t count) {
    std::vector<std::string> ours;
    for (std::size_t index = 0; index < count; ++index) {
        auto& word = words[index];
        const auto skip = word.size() > 1 && word.front() == '-' && word != "--" ? words_after_flag(command, word) : 0;
        const bool ends_in_equals = word.size() > 3 && word.substr(0, 2) == "--" && word.find('=') == word.size() - 1;
        const auto* flag = ends_in_equals ? find_flag(command, word.substr(0, word.size() - 1)) : nullptr;
        if (flag != nullptr && !flag->value.empty()) {
            ours.push_back(word.substr(0, word.size() - 1));
            ours.emplace_back();
        } else if (word == "--") {
            std::move(words.begin() + static_cast<std::ptrdiff_t>(index),
                      words.begin() + static_cast<std::ptrdiff_t>(count), std::back_inserter(ours));
            return ours;
        } else {
            ours.push_back(std::move(word));
        }
        if (skip == 1 && index + 1 < count) ours.push_back(std::move(words[++index]));
    }
    return ours;
}

void add_flags(CLI::App& app, std::span<const FlagRow> flags) {
    for (const auto& flag : flags) {
        auto name = "--" + std::string(flag.name);
        if (!flag.letter.empty()) name = "-" + std::string(flag.letter) + "," + name;
        if (flag.value.empty()) {
            app.add_flag(name)->disable_flag_override()->take_all();
        } else {
            auto* option = app.add_option(name);
            // Without this, "[a,b]" is taken for a list and the next words for more values.
            option->allow_extra_args(false);
            if (flag.repeatable) option->take_all();
        }
    }
}

/// Words are declared exactly as many as there are: a list of open length would again split "[a,b]".
void add_words(CLI::App& app, std::size_t count) {
    if (count == 0) return;
    auto* option = app.add_option(std::string(words_key));
    option->expected(static_cast<int>(count));
    option->allow_extra_args(false);
    option->take_all();
}

void collect(const CLI::App& app, ParsedLine& line) {
    for (const auto* option : app.get_options()) {
        if (option->count() == 0) continue;
        auto values = option->results();
        if (option->get_name() == words_key) {
            line.words = std::move(values);
        } else {
            line.flags[option->get_lnames().front()] = std::move(values);
        }
    }
}

/// A hint, after which more may come.
std::string usage(const CommandRow& command) {
    if (command.most == 0) return "`berth " + command.full_name() + "` takes no words besides flags";
    return "usage: berth " + command.full_name() + " " + std::string(command.arguments);
}

/// What CLI11 found wrong, in our words.
[[noreturn]] void explain(const CLI::App& app, const CommandRow* command, const CLI::ParseError& error) {
    const auto extras = app.remaining(true);
    const auto flag = std::find_if(extras.begin(), extras.end(),
                                   [](const std::string& word) { return word.size() > 1 && word.front() == '-'; });
    if (flag != extras.end() && *flag != "--") unknown_flag(command, *flag);
    const auto name = command == nullptr ? std::string("berth") : "berth " + command->full_name();
    if (!extras.empty()) {
        fail("unexpected word " + berth::quoted(extras.front()),
             command == nullptr ? help_hint(nullptr) : usage(*command));
    }
    fail("`" + name + "`: " + printable(error.what()), help_hint(command));
}

/// `berth help WORD...` is `berth --help WORD...`.
void ask_for_help_by_flag(std::vector<std::string>& words) {
    for (std::size_t index = 0; index < words.size(); ++index) {
        if (words[index].size() > 1 && words[index].front() == '-') {
            index += words_after_flag(nullptr, words[index]);
            continue;
        }
        if (words[index] == "help") words[index] = "--help";
        return;
    }
}

}  // namespace

std::vector<std::string> ParsedLine::values(std::string_view flag) const {
    const auto found = flags.find(flag);
    return found == flags.end() ? std::vector<std::string>() : found->second;
}

Border find_border(const std::vector<std::string>& words) {
    Border border;
    auto& seen = border.words;
    std::size_t index = 0;
    for (; index < words.size(); ++index) {
        const auto& word = words[index];
        if (word == "--") {
            const bool passes = border.command != nullptr && border.command->passes == Passes::argv;
            border.ours = passes ? index : words.size();
            border.argv = passes ? index + 1 : words.size();
            if (!passes) seen += words.size() - index - 1;
            return border;
        }
        if (word.size() > 1 && word.front() == '-') {
            index += words_after_flag(border.command, word);
            continue;
        }
        if (border.command == nullptr) {
            border.command = find_command(border.group, word);
            if (border.command != nullptr) continue;
            const auto known = groups();
            const bool is_group =
                border.group.empty() &&
                std::any_of(known.begin(), known.end(), [&](const GroupRow& row) { return row.name == word; });
            if (!is_group) {
                border.unknown = word;
                break;
            }
            border.group = word;
            continue;
        }
        if (border.command->passes == Passes::argv && seen == border.command->most) break;
        ++seen;
    }
    border.ours = std::min(index, words.size());
    border.argv = border.ours;
    return border;
}

ParsedLine parse_line(std::vector<std::string> words) {
    ask_for_help_by_flag(words);
    const auto border = find_border(words);
    if (!border.unknown.empty()) unknown_command(border.group, border.unknown);

    ParsedLine line;
    line.command = border.command;
    line.group = border.group;
    line.argv.assign(words.begin() + static_cast<std::ptrdiff_t>(border.argv), words.end());
    auto ours = our_words(border.command, std::move(words), border.ours);

    CLI::App app;
    app.set_help_flag();
    add_flags(app, global_flags());
    app.add_flag("--version");
    auto* level = &app;
    for (const auto step :
         {std::string_view(border.group), border.command == nullptr ? std::string_view() : border.command->name}) {
        if (step.empty()) continue;
        level = level->add_subcommand(std::string(step));
        level->set_help_flag();
        level->fallthrough();
    }
    if (border.command != nullptr) {
        add_flags(*level, border.command->flags);
        add_words(*level, std::min(border.words, border.command->most));
    }
    try {
        std::reverse(ours.begin(), ours.end());
        app.parse(std::move(ours));
    } catch (const CLI::ParseError& error) {
        if (app.count("--help") == 0) explain(app, border.command, error);
    }
    collect(app, line);
    if (border.command != nullptr) collect(*level, line);
    if (line.command != nullptr && line.words.size() < line.command->least && !line.has("help")) {
        fail("too few words for `berth " + line.command->full_name() + "`", usage(*line.command));
    }
    if (line.command == nullptr && !line.has("help") && !line.has("version")) {
        if (border.group.empty()) fail("no command given", help_hint(nullptr));
        fail("`berth " + border.group + "` needs one word more", "there are: " + listed(command_words(border.group)));
    }
    return line;
}

}  // namespace berth::inline host_v1::cli
