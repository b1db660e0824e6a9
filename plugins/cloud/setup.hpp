// What a new sandbox gets before it is ready: its working directory, and its setup commands. Knows no backend.
#pragma once

#include <memory>

#include "process_run.hpp"
#include "sandbox_link.hpp"

namespace berth_cloud {

void make_directory(SandboxLink& inside, const std::string& path);

// In order, until one fails: then execution_failed with all about it. Each line has a link of its own.
using MakeLink = std::function<std::unique_ptr<CommandLink>()>;
void run_setup(const MakeLink& link, berth::Call& call, const ProcessDefaults& defaults, const berth::Strings& lines,
               const KeepLines& keep);

}  // namespace berth_cloud
