#include "inside.hpp"

namespace standin::daytona {

std::string home_of(const Sandbox& sandbox) {
    return "/home/" + sandbox.user;
}

Texts daemon_environment(const Sandbox& sandbox) {
    auto all = sandbox.daemon_environment;
    all.insert(sandbox.env.begin(), sandbox.env.end());
    all.try_emplace("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
    all.try_emplace("HOME", home_of(sandbox));
    all.try_emplace("USER", sandbox.user);
    all.try_emplace("LANG", "C.UTF-8");
    all.try_emplace("DAYTONA_SANDBOX_ID", sandbox.id);
    return all;
}

std::vector<std::string> variables_of(const Texts& environment) {
    std::vector<std::string> variables;
    for (const auto& [name, value] : environment) {
        variables.push_back(name + "=" + value);
    }
    return variables;
}

std::shared_ptr<Machine> machine_of(World& world, const Sandbox& sandbox) {
    const Lock lock(world.mutex);
    if (!sandbox.machine) throw Refusal(502, "LOST", "");
    return sandbox.machine;
}

Machine::Said run_inside(World& world, const Sandbox& sandbox, const std::string& script,
                         const std::vector<std::string>& words, std::string_view input) {
    Program program;
    program.words = {"bash", "-c", script, "daemon"};
    program.words.insert(program.words.end(), words.begin(), words.end());
    program.directory = home_of(sandbox);
    {
        const Lock lock(world.mutex);
        program.variables = variables_of(daemon_environment(sandbox));
    }
    auto said = machine_of(world, sandbox)->run(program, input);
    if (said.outcome.kind == Outcome::Kind::lost) throw Refusal(502, "LOST", "");
    return said;
}

}  // namespace standin::daytona
