// The sandbox-level variables: docs/contract.md sections 2.1 and 4.
#include <array>

#include "../cases.hpp"
#include "../context.hpp"

namespace berth::inline host_v1::conformance {

namespace {

void environment_round_trip(Context& context) {
    SandboxConfig config;
    config.environment.env = {{"FIRST", "1"}};
    const auto sandbox = context.fresh(config);
    const Variables set{{"ODD", "a \"b\" $c\nd"}, {"EMPTY", ""}, {"FIRST", "changed"}};
    context.host().set_environment_variables(sandbox, set, {}, Context::bounded());
    context.expect(context.host().get_environment_variables(sandbox, Context::bounded()) == set,
                   "it comes back byte for byte");
    context.equal(context.output_of(sandbox, "printf '%s|%s|%s' \"$ODD\" \"${EMPTY-unset}\" \"$FIRST\""),
                  std::string("a \"b\" $c\nd||changed"), "processes see it");
    const std::vector<std::string> unset{"ODD"};
    context.host().set_environment_variables(sandbox, {}, unset, Context::bounded());
    context.expect(!context.host().get_environment_variables(sandbox, Context::bounded()).contains("ODD"), "unset");
    context.host().restart(sandbox, Context::bounded());
    context.equal(context.output_of(sandbox, "printf %s \"$FIRST\""), std::string("changed"), "it survives a restart");
}

void environment_all_or_nothing(Context& context) {
    const auto sandbox = context.fresh();
    context.refused(
        Code::invalid_argument,
        [&] {
            context.host().set_environment_variables(sandbox, {{"GOOD", "x"}, {"BAD-NAME", "y"}}, {},
                                                     Context::bounded());
        },
        "a bad name");
    context.expect(!context.host().get_environment_variables(sandbox, Context::bounded()).contains("GOOD"),
                   "nothing is applied");
    context.refused(
        Code::resource_exhausted,
        [&] {
            context.host().set_environment_variables(sandbox, {{"HUGE", std::string(140'000, 'x')}}, {},
                                                     Context::bounded());
        },
        "more than 128 KiB");
}

void environment_merges(Context& context) {
    SandboxConfig config;
    config.environment.env = {{"KEPT", "1"}, {"GONE", "2"}};
    const auto sandbox = context.fresh(config);
    auto& host = context.host();
    const auto variables = [&] { return host.get_environment_variables(sandbox, Context::bounded()); };
    context.expect(variables() == Variables{{"KEPT", "1"}, {"GONE", "2"}},
                   "what create was given, and nothing of the provider's or the host's");
    host.set_environment_variables(sandbox, {}, {}, Context::bounded());
    context.expect(variables() == Variables{{"KEPT", "1"}, {"GONE", "2"}}, "an empty call changes nothing");
    const std::vector<std::string> unset{"GONE", "NEVER_THERE"};
    host.set_environment_variables(sandbox, {{"NEW", "3"}}, unset, Context::bounded());
    context.expect(variables() == Variables{{"KEPT", "1"}, {"NEW", "3"}}, "the others stay");
    auto copy = variables();
    copy["KEPT"] = "changed";
    context.expect(variables() == Variables{{"KEPT", "1"}, {"NEW", "3"}}, "changing the answer changes nothing");
    const auto info = host.get(sandbox, Context::bounded()).environment.env;
    context.expect(info.count("NEW") != 0 && info.at("NEW") == "3" && info.count("GONE") == 0, "info says the same");
}

void environment_precedence(Context& context) {
    SandboxConfig config;
    config.environment.env = {{"PATH", "/usr/bin:/bin:/of-config"}, {"B", "config"}, {"C", "config"}};
    const auto sandbox = context.fresh(config);
    context.host().set_environment_variables(sandbox, {{"B", "set"}, {"C", "set"}}, {}, Context::bounded());
    auto process = Context::shell_process("printf '%s %s %s' \"$PATH\" \"$B\" \"$C\"");
    process.environment.env = {{"C", "process"}};
    context.equal(context.host().execute(sandbox, process, Context::bounded()).standard_output,
                  std::string("/usr/bin:/bin:/of-config set process"), "the later wins");
    context.equal(context.output_of(sandbox, "printf %s \"$C\""), std::string("set"), "a process's own are its own");
    const std::vector<std::string> unset{"PATH"};
    context.host().set_environment_variables(sandbox, {}, unset, Context::bounded());
    context.expect(context.output_of(sandbox, "printf %s \"$PATH\"").find("/of-config") == std::string::npos,
                   "unset, the provider's default is back");
}

void environment_of_running(Context& context) {
    const auto sandbox = context.fresh();
    context.host().set_environment_variables(sandbox, {{"SEEN", "old"}}, {}, Context::bounded());
    auto config = Context::shell_process("read line; printf %s \"$SEEN\"");
    config.interactive = true;
    auto process = context.host().execute_stream(sandbox, config, Context::bounded());
    context.host().set_environment_variables(sandbox, {{"SEEN", "new"}}, {}, Context::bounded());
    process.write_stdin("go\n");
    context.equal(process.wait().standard_output, std::string("old"), "a running process keeps its own");
    context.equal(context.output_of(sandbox, "printf %s \"$SEEN\""), std::string("new"), "later ones see the change");
}

void environment_limit_is_a_sum(Context& context) {
    const auto sandbox = context.fresh();
    context.host().set_environment_variables(sandbox, {{"HALF", std::string(100'000, 'x')}}, {}, Context::bounded());
    context.refused(
        Code::resource_exhausted,
        [&] {
            context.host().set_environment_variables(sandbox, {{"A", "1"}, {"OTHER_HALF", std::string(50'000, 'x')}},
                                                     {}, Context::bounded());
        },
        "more than 128 KiB together");
    const auto variables = context.host().get_environment_variables(sandbox, Context::bounded());
    context.expect(variables.size() == 1 && variables.at("HALF").size() == 100'000, "nothing of it is applied");
    const std::vector<std::string> unset{"HALF"};
    context.host().set_environment_variables(sandbox, {{"OTHER_HALF", std::string(100'000, 'y')}}, unset,
                                             Context::bounded());
}

void environment_secrets(Context& context) {
    SandboxConfig config;
    config.environment.env = {{"TOKEN", "canary-51c2"}, {"PLAIN", "seen"}};
    config.secret_env = {"TOKEN"};
    const auto sandbox = context.fresh(config);
    const auto shown_value = [&] {
        return context.host().get(sandbox, Context::bounded()).environment.env.at("TOKEN");
    };
    context.equal(shown_value(), std::string("***"), "info masks it");
    context.equal(context.host().get_environment_variables(sandbox, Context::bounded()).at("TOKEN"),
                  std::string("canary-51c2"), "asked for, it is there");
    context.equal(context.output_of(sandbox, "printf %s \"$TOKEN\""), std::string("canary-51c2"), "processes have it");
    context.host().set_environment_variables(sandbox, {{"TOKEN", "canary-2"}}, {}, Context::bounded());
    context.equal(shown_value(), std::string("***"), "its next value, too");
    context.equal(context.host().get(sandbox, Context::bounded()).environment.env.at("PLAIN"), std::string("seen"),
                  "others are shown");
}

void environment_at_once(Context& context) {
    const auto sandbox = context.fresh();
    at_once(context, 16, [&](int index) {
        context.host().set_environment_variables(sandbox, {{"V" + std::to_string(index), "x"}}, {}, Context::bounded());
    });
    context.equal(context.host().get_environment_variables(sandbox, Context::bounded()).size(), std::size_t{16},
                  "no change is lost");
}

void environment_of_nobody(Context& context) {
    const SandboxName nobody{context.provider(), "no-such-sandbox-9d1f"};
    context.refused(
        Code::not_found,
        [&] {
            context.host().set_environment_variables(nobody, {{"A", "1"}}, {}, Context::bounded());
        },
        "set");
    context.refused(
        Code::not_found, [&] { (void)context.host().get_environment_variables(nobody, Context::bounded()); }, "get");
}

}  // namespace

std::vector<Case> environment_cases() {
    const std::vector<std::string_view> both{"set_environment_variables", "get_environment_variables"};
    auto with_stdin = both;
    with_stdin.emplace_back("stdin");
    return {
        {"environment", "variables are set, unset and survive a restart", environment_round_trip, both},
        {"environment", "a bad call applies nothing", environment_all_or_nothing, both},
        {"environment", "named ones are set, the others stay", environment_merges, both},
        {"environment", "default, config, set, process: the later wins", environment_precedence, both},
        {"environment", "running processes keep theirs", environment_of_running, with_stdin},
        {"environment", "the limit counts all together", environment_limit_is_a_sum, both},
        {"environment", "secrets are masked in info alone", environment_secrets, both},
        {"environment", "changes at once are all there", environment_at_once, both},
        {"environment", "of an unknown sandbox", environment_of_nobody, both},
    };
}

}  // namespace berth::inline host_v1::conformance
