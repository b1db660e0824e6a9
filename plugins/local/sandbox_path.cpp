#include "sandbox_path.hpp"

#include "failure.hpp"

namespace berth_local {

std::string resolve_path(std::string_view base, std::string_view path) {
    if (path.empty() || path.find('\0') != std::string_view::npos) {
        throw Failure{
            BERTH_INVALID_ARGUMENT, "a sandbox path must not be empty nor hold a NUL", {}, BERTH_OUTCOME_NONE, {}, {},
            std::string(path)};
    }
    std::string result = path.front() == '/' || base == "/" ? "" : std::string(base);
    std::string_view rest = path;
    while (!rest.empty()) {
        const std::size_t slash = rest.find('/');
        const std::string_view part = rest.substr(0, slash);
        rest = slash == std::string_view::npos ? std::string_view{} : rest.substr(slash + 1);
        if (part.empty() || part == ".") {
            continue;
        }
        if (part != "..") {
            result += '/';
            result += part;
            continue;
        }
        if (result.empty()) {
            throw Failure{BERTH_PATH_ESCAPE, "the path leaves the root of the sandbox", {}, BERTH_OUTCOME_NONE, {}, {},
                          std::string(path)};
        }
        result.erase(result.rfind('/'));
    }
    return result.empty() ? "/" : result;
}

}  // namespace berth_local
