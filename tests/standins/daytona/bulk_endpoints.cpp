// Many files at once: bulk-upload and bulk-download, both multipart.
#include <array>
#include <map>

#include "fields.hpp"
#include "file_rules.hpp"
#include "inside.hpp"
#include "multipart.hpp"
#include "shapes.hpp"
#include "toolbox.hpp"

namespace standin::daytona {

namespace {

/// What of an upload is understood: destinations with bytes, and errors.
struct Upload {
    std::vector<std::pair<std::string, std::string_view>> files;
    std::vector<std::string> errors;
};

std::string trimmed(std::string_view text) {
    const auto first = text.find_first_not_of(" \t\r\n");
    if (first == std::string_view::npos) return "";
    return std::string(text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1));
}

Upload read_upload(const Request& request) {
    const auto boundary = boundary_of(request.header("content-type"));
    if (boundary.empty()) bad_request("invalid multipart form");
    Upload upload;
    std::map<std::string, std::string> destinations;
    for (const auto& part : parts_of(request.body, boundary)) {
        const auto dot = part.name.rfind('.');
        const auto index = part.name.substr(0, dot);
        const auto kind = dot == std::string::npos ? "" : part.name.substr(dot + 1);
        if (kind == "path") {
            destinations[index] = trimmed(part.body);
        } else if (kind == "file" && destinations.contains(index)) {
            upload.files.emplace_back(destinations[index], part.body);
        } else if (kind == "file") {
            upload.errors.push_back("missing path metadata for " + part.name);
        }
    }
    return upload;
}

/// One program writes all: names and sizes between NULs, each followed by the bytes.
constexpr const char* writing_script = R"(export LC_ALL=C
while IFS= read -r -d '' path && IFS= read -r -d '' size; do
    folder=.
    [[ $path != */* ]] || folder=${path%/*}
    if why=$(mkdir -p -m 755 -- "${folder:-/}" 2>&1) && why=$({ : > "$path"; } 2>&1); then
        [[ $size == 0 ]] || head -c "$size" > "$path"
        printf 'written\0'
    else
        [[ $size == 0 ]] || head -c "$size" > /dev/null
        printf '%s\0' "$why"
    fi
done)";

Answer upload(const Call& call) {
    auto wish = read_upload(call.request);
    std::string input;
    for (const auto& [path, bytes] : wish.files) {
        input.append(plain_path(path)).append(1, '\0');
        input.append(std::to_string(bytes.size())).append(1, '\0').append(bytes);
    }
    const auto said = run_inside(call.world, *call.sandbox, writing_script, {}, input);
    auto written = Json::array();
    std::size_t at = 0;
    for (const auto& [path, bytes] : wish.files) {
        const auto end = said.output.find('\0', at);
        const auto result = end == std::string::npos ? "not written" : said.output.substr(at, end - at);
        at = end == std::string::npos ? said.output.size() : end + 1;
        if (result == "written") {
            written.push_back({{"path", path}, {"bytes", bytes.size()}});
        } else {
            wish.errors.push_back(path + ": " + result);
        }
    }
    if (wish.errors.empty()) return json_answer({{"files", written}});
    return json_answer({{"errors", wish.errors}, {"files", written}}, 400);
}

constexpr const char* boundary = "DAYTONA-FILE-BOUNDARY";

std::string percent_encoded(const std::string& text) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    std::string result;
    for (const auto letter : text) {
        const auto value = static_cast<unsigned char>(letter);
        if (value < 128 && (std::isalnum(value) != 0 || letter == '.' || letter == '-' || letter == '_')) {
            result += letter;
        } else {
            result += '%';
            result += digits[value / 16];
            result += digits[value % 16];
        }
    }
    return result;
}

/// For the old parameter: what Latin-1 has not becomes '_'.
std::string quoted(const std::string& text) {
    std::string result;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const auto value = static_cast<unsigned char>(text[at]);
        if (value < 128) {
            if (value == '"' || value == '\\') result += '\\';
            result += text[at];
        } else if (value == 0xc2 || value == 0xc3) {
            const auto next = static_cast<unsigned char>(at + 1 < text.size() ? text[++at] : '\0');
            result += static_cast<char>((value & 3U) << 6U | (next & 0x3fU));
        } else if (value >= 0xc0) {
            result += '_';
        }
    }
    return result;
}

std::string part_of(const Call& call, const std::string& path) {
    auto content = content_of(call, path);
    const bool found = content.status == 200;
    const bool old = !daemon_is_at_least(call.world, "0.191.0");
    auto type = found ? content_type_of(path) : old ? "text/plain; charset=utf-8" : "application/json; charset=utf-8";
    if (!found && !old) {
        content.text = text_of({{"statusCode", content.status},
                                {"code", content.code},
                                {"message", content.text},
                                {"source", "DAYTONA_DAEMON"},
                                {"path", path}});
    }
    auto part = std::string("--") + boundary + "\r\nContent-Disposition: form-data; name=\"" +
                (found ? "file" : "error") + "\"; filename=\"" + quoted(path) + "\"; filename*=utf-8''" +
                percent_encoded(path) + "\r\n";
    if (found) part += "Content-Length: " + std::to_string(content.text.size()) + "\r\n";
    return part + "Content-Type: " + type + "\r\n\r\n" + content.text + "\r\n";
}

Answer download(const Call& call) {
    const Fields fields(call.request);
    const auto paths = fields.list("paths");
    if (paths.empty()) bad_request("request body must be {\"paths\": [ ... ] }");
    std::string body;
    for (const auto& path : paths) {
        body += part_of(call, path);
    }
    const Lock lock(call.world.mutex);
    if (!call.world.behaviour.bulk_download_cut) body += std::string("--") + boundary + "--\r\n";
    return {
        200, {{"content-type", std::string("multipart/form-data; boundary=") + boundary}}, std::move(body), nullptr};
}

}  // namespace

std::optional<Answer> bulk_endpoints(const Call& call) {
    if (call.is("POST", {"files", "bulk-upload"})) return upload(call);
    if (call.is("POST", {"files", "bulk-download"})) return download(call);
    return std::nullopt;
}

}  // namespace standin::daytona
