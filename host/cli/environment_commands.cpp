// `berth env get` and `berth env set`.
#include "commands.hpp"
#include "exit_code.hpp"
#include "people_text.hpp"

namespace berth::inline host_v1::cli {

int perform(Session& session, const EnvironmentGetCommand& command) {
    const auto variables = session.host().get_environment_variables(sandbox_named(command.sandbox), session.call());
    const auto& out = session.out();
    if (out.wants_json()) {
        out.object(json_of(variables));
        return exit_ok;
    }
    std::string lines;
    for (const auto& [name, value] : variables) {
        lines += one_line(out.format() == OutputFormat::name ? name : name + "=" + value) + "\n";
    }
    out.text(lines);
    return exit_ok;
}

int perform(Session& session, const EnvironmentSetCommand& command) {
    session.host().set_environment_variables(sandbox_named(command.sandbox), command.set, command.unset,
                                             session.call());
    return exit_ok;
}

}  // namespace berth::inline host_v1::cli
