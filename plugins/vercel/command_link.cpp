#include "command_link.hpp"

#include "cloud/command_wrapper.hpp"
#include "cloud/tar_stream.hpp"

namespace berth_vercel {

void VercelCommand::put_files(const std::vector<ScratchFile>& files) {
    TarGzWriter archive;
    for (const ScratchFile& file : files)
        archive.add_file(file.path.substr(1), file.content, 0600);
    api_.write_archive(call_, place_.session, archive.finish());
}

void VercelCommand::send(const ShellCommand& command) {
    Json env = Json::object();
    for (const berth::Variable& item : command.env)
        env[item.name] = item.value;
    Json body{{"command", "sh"}, {"args", command.words}, {"env", std::move(env)},
              {"sudo", false},   {"wait", true},          {"logs", true}};
    if (command.timeout_ms) body["timeout"] = *command.timeout_ms;
    if (command.words.front() != "-c") {
        reader_.emplace(api_.run(call_, place_.session, body));
        return;
    }
    // Vercel gives the words back in two of its answers, and shows them to every process: not so a variable. How large
    // those may be is not known but for the sandbox's own: what was refused for its size was not run.
    body["env"][script_variable] = command.words[1];
    body["args"] = words_for_script_variable();
    try {
        reader_.emplace(api_.run(call_, place_.session, body));
    } catch (const berth::Error& error) {
        const bool too_large = error.code() == berth::Code::invalid_argument && !error.is_recorded() &&
                               error.message().find("env payload too large") != std::string::npos;
        if (!too_large) throw;
        body["env"].erase(script_variable);
        body["args"] = command.words;
        reader_.emplace(api_.run(call_, place_.session, body));
    }
}

Heard VercelCommand::hear() {
    while (const auto text = reader_->try_next()) {
        StreamLine line = read_stream_line(*text);
        switch (line.kind) {
            case StreamLine::Kind::command:
                command_ = line.command.id;
                if (line.command.exit_code) return {Heard::Kind::exit, {}, {}, *line.command.exit_code};
                break;
            case StreamLine::Kind::out:
            case StreamLine::Kind::err:
                heard_ = std::move(line.data);
                return {Heard::Kind::output,
                        line.kind == StreamLine::Kind::out ? berth::Stream::out : berth::Stream::err, heard_};
            case StreamLine::Kind::error:
                return {Heard::Kind::broken};
            case StreamLine::Kind::unknown:
                break;
        }
    }
    return {reader_->ended() ? Heard::Kind::end : Heard::Kind::nothing};
}

void VercelCommand::beside(const std::string& script) {
    api_.start(call_, place_.session,
               {{"command", "sh"}, {"args", {"-c", script}}, {"env", Json::object()}, {"sudo", false}});
}

bool VercelCommand::is_sandbox_over() {
    try {
        const SandboxAnswer now = api_.get(call_, place_.sandbox);
        if (!now.session || now.session->id != place_.session) return true;
        return now.status() != "running" && now.status() != "pending";
    } catch (const berth::Error& error) {
        if (error.code() == berth::Code::not_found) return true;
        throw;
    }
}

}  // namespace berth_vercel
