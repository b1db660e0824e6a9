#include "help.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>
#include <vector>

namespace berth::inline host_v1::cli {

namespace {

struct Family {
    std::string_view title;
    std::vector<std::pair<std::string_view, std::string_view>> commands;  ///< group, name
};

const std::vector<Family>& families() {
    static const std::vector<Family> all{
        {"Run something", {{"", "run"}, {"", "exec"}}},
        {"Sandboxes",
         {{"", "create"}, {"", "ls"}, {"", "inspect"}, {"", "ready"}, {"", "stats"}, {"", "restart"}, {"", "rm"}}},
        {"What is in them",
         {{"", "cp"},
          {"", "logs"},
          {"env", "get"},
          {"env", "set"},
          {"snapshot", "create"},
          {"snapshot", "restore"},
          {"snapshot", "ls"},
          {"snapshot", "rm"}}},
        {"Berth itself",
         {{"", "doctor"},
          {"provider", "ls"},
          {"plugin", "ls"},
          {"plugin", "inspect"},
          {"plugin", "clear"},
          {"config", "check"},
          {"config", "show"},
          {"config", "schema"},
          {"", "version"},
          {"", "completion"}}},
    };
    return all;
}

using Lines = std::vector<std::pair<std::string, std::string>>;

/// "  left   right" with the rights below each other.
std::string columns(const Lines& lines) {
    std::size_t width = 0;
    for (const auto& [left, right] : lines) {
        width = std::max(width, left.size());
    }
    std::string text;
    for (const auto& [left, right] : lines) {
        text += "  " + left + std::string(width - left.size() + 2, ' ') + right + "\n";
    }
    return text;
}

std::string flag_text(const FlagRow& flag) {
    auto text = flag.letter.empty() ? std::string("    ") : "-" + std::string(flag.letter) + ", ";
    text += "--" + std::string(flag.name);
    if (!flag.value.empty()) text += " " + std::string(flag.value);
    return text;
}

std::string flag_lines(std::span<const FlagRow> flags) {
    Lines lines;
    for (const auto& flag : flags) {
        lines.emplace_back(flag_text(flag), flag.help);
    }
    return columns(lines);
}

std::string indented(std::string_view text) {
    std::string result = "  ";
    for (const char byte : text) {
        result += byte;
        if (byte == '\n') result += "  ";
    }
    return result + "\n";
}

std::string exit_codes() {
    return columns({{"0-255", "of `run` and `exec`: the command's own; 126 and 127 as a shell has them"},
                    {"128+N", "the command was ended by signal N; 130 after Ctrl-C"},
                    {"123", "the outcome is not known: look before you repeat it"},
                    {"124", "a deadline passed, the command's or the operation's"},
                    {"125", "any other failure of Berth, wrong usage included"},
                    {"0, 1", "of `ready`: it is, it is not"}});
}

}  // namespace

std::string main_help() {
    std::string text =
        "Berth gives you sandboxes from many backends through one contract.\n"
        "\n"
        "Usage: berth [FLAGS] COMMAND ...\n";
    for (const auto& family : families()) {
        text += "\n" + std::string(family.title) + ":\n";
        Lines lines;
        for (const auto& [group, name] : family.commands) {
            const auto* row = find_command(group, name);
            lines.emplace_back(row->full_name(), row->summary);
        }
        text += columns(lines);
    }
    text += "\nA sandbox is named provider/id, as `create` and `ls` print it; REF stands for such a name.\n";
    text += "\nFlags, before or after the command:\n" + flag_lines(global_flags());
    text += "\nExit codes:\n" + exit_codes();
    text += "\n`berth help COMMAND` says more, with an example.\n";
    return text;
}

std::string group_help(std::string_view group) {
    std::string text;
    for (const auto& row : groups()) {
        if (row.name == group) text += std::string(row.summary) + ".\n";
    }
    text += "\nUsage: berth " + std::string(group) + " COMMAND ...\n\nCommands:\n";
    Lines lines;
    for (const auto& row : commands()) {
        if (row.group == group) lines.emplace_back(row.full_name(), row.summary);
    }
    return text + columns(lines) + "\n`berth help " + std::string(group) + " COMMAND` says more, with an example.\n";
}

std::string command_help(const CommandRow& command) {
    auto text = std::string(command.summary) + ".\n";
    if (!command.details.empty()) text += std::string(command.details) + "\n";
    text += "\nUsage: berth " + command.full_name();
    if (!command.arguments.empty()) {
        text += " " + std::string(command.arguments);
    } else if (!command.flags.empty()) {
        text += " [FLAGS]";
    }
    text += "\n";
    if (!command.flags.empty()) text += "\nFlags:\n" + flag_lines(command.flags);
    if (!command.example.empty()) text += "\nExample:\n" + indented(command.example);
    text += "\nGlobal flags and exit codes: berth --help\n";
    return text;
}

}  // namespace berth::inline host_v1::cli
