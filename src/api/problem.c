#include "api/problem.h"

#include <microhttpd.h>

#include "base/error.h"

json_t *
ferry_problem_new(unsigned status, const char *type, const char *detail)
{
    g_autofree char *valid =
        g_utf8_make_valid(detail, -1); /* it may quote what came from outside */
    json_t *problem = json_object();

    json_object_set_new(problem, "type", json_string(type));
    json_object_set_new(problem, "title", json_string(MHD_get_reason_phrase_for(status)));
    json_object_set_new(problem, "status", json_integer(status));
    json_object_set_new(problem, "detail", json_string(valid));
    return problem;
}

json_t *
ferry_problem_of_error(const GError *error)
{
    FerryErrorCode code = FERRY_ERROR_IO;
    const FerryErrorInfo *info = NULL;

    if (error->domain == FERRY_ERROR)
        code = (FerryErrorCode)error->code;
    info = ferry_error_info(code);
    return ferry_problem_new(info->http_status, info->name, error->message);
}

json_t *
ferry_problem_refused(const char *detail, json_t *reasons)
{
    json_t *problem = ferry_problem_new(MHD_HTTP_CONFLICT, "refused", detail);

    json_object_set_new(problem, "reasons", reasons);
    return problem;
}

unsigned
ferry_problem_status(const json_t *problem)
{
    return (unsigned)json_integer_value(json_object_get(problem, "status"));
}
