// `berth --help`, `version`, `completion`, and what the completion scripts ask.
#include <berth/plugin.h>

#include <array>
#include <filesystem>

#include "commands.hpp"
#include "completion.hpp"
#include "exit_code.hpp"
#include "help.hpp"

namespace berth::inline host_v1::cli {

namespace {

std::vector<std::string> sandbox_names(Session& session) {
    auto call = session.call();
    call.deadline = Milliseconds(2000);  // a shell waits for this
    std::vector<std::string> names;
    for (const auto& info : session.host().list({}, call).sandboxes) {
        names.push_back(info.full_name());
    }
    return names;
}

std::vector<std::string> names_for(Session& session, Completes wanted) {
    std::vector<std::string> names;
    switch (wanted) {
        case Completes::provider:
            for (const auto& provider : session.configuration().providers) {
                names.push_back(provider.name);
            }
            return names;
        case Completes::sandbox:
            return sandbox_names(session);
        case Completes::sandbox_or_file:
            names = sandbox_names(session);
            for (auto& name : names) {
                name += ":";
            }
            return names;
        case Completes::plugin: {
            const auto catalog = session.catalog();
            for (const auto& file : catalog.files()) {
                names.push_back(file.name());
            }
            return names;
        }
        default:
            return names;
    }
}

/// What no script needs to be told by name: the shell completes it itself.
std::string_view shell_directive(Completes wanted) {
    switch (wanted) {
        case Completes::file:
        case Completes::sandbox_or_file:
        case Completes::plugin:
            return "\tfiles\n";
        case Completes::directory:
            return "\tdirectories\n";
        default:
            return {};
    }
}

}  // namespace

int perform(Session& session, const HelpCommand& command) {
    session.out().text(command.of != nullptr    ? command_help(*command.of)
                       : !command.group.empty() ? group_help(command.group)
                                                : main_help());
    return exit_ok;
}

int perform(Session& session, const VersionCommand&) {
    const auto contract = std::to_string(BERTH_CONTRACT_MAJOR) + "." + std::to_string(BERTH_CONTRACT_MINOR);
    if (session.out().wants_json()) {
        session.out().object({{"version", BERTH_VERSION}, {"contract", contract}});
    } else {
        session.out().text("berth " BERTH_VERSION " (contract " + contract + ")\n");
    }
    return exit_ok;
}

int perform(Session& session, const CompletionCommand& command) {
    session.out().text(completion_script(command.shell));
    return exit_ok;
}

int perform(Session& session, const CompleteCommand& command) {
    const auto answer = complete(command.words);
    std::string lines;
    for (const auto& candidate : answer.candidates) {
        lines += answer.before + candidate + "\n";
    }
    try {
        GlobalOptions options;
        options.configuration = answer.configuration;
        options.plugin_directories = answer.plugin_directories;
        options.verbosity = Verbosity::quiet;
        Session asked(options, session.variables());
        for (const auto& name : names_for(asked, answer.wanted)) {
            if (name.starts_with(answer.typed)) lines += answer.before + name + "\n";
        }
    } catch (const Error&) {
        // A configuration that cannot be read has no names to offer; the shell must not be told about it now.
    }
    lines += shell_directive(answer.wanted);
    session.out().text(lines);
    return exit_ok;
}

}  // namespace berth::inline host_v1::cli
