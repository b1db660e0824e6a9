// What file endpoints have in common: programs that say what went wrong, and the refusals that follow. Knows no endpoint.
#pragma once

#include "endpoints.hpp"
#include "machine.hpp"

namespace standin::daytona {

/// Throws what a daemon answers: status and code, or with older daemons a status alone.
[[noreturn]] void refuse_file(const Call& call, unsigned status, const std::string& code, const std::string& message);

/// Runs it and refuses where it failed, by what it said of `path`.
[[nodiscard]] std::string file_work(const Call& call, const std::string& path, const std::string& script,
                                    const std::vector<std::string>& words, std::string_view input = {});

/// The query's `path`, so that no program takes it for an option.
[[nodiscard]] std::string asked_path(const Call& call, const char* name = "path");
[[nodiscard]] std::string plain_path(const std::string& path);

/// The content of a file, or why there is none.
struct Content {
    unsigned status = 200;
    std::string code;
    std::string text;  ///< the bytes, or the reason
};
[[nodiscard]] Content content_of(const Call& call, const std::string& path);

/// By the name's end.
[[nodiscard]] std::string content_type_of(const std::string& path);

}  // namespace standin::daytona
