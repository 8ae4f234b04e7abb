/* Tests of AWS Signature Version 4: what botocore signs, and what holds for every signature. */
#include "blob/s3_sign.h"

#include <check.h>
#include <stdlib.h>

#define TIME "20261125T224012Z"
#define KEY_ID "AKIDEXAMPLE"
#define SECRET "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
#define TOKEN "To/ken+=="
#define EMPTY_HASH "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define MAX_BYTES 8192
#define PAIRS 6

/* The signatures were computed by botocore 1.44.8, with its clock set to TIME: S3SigV4Auth (made to hash every payload)
   for `signed` and S3SigV4QueryAuth for `presigned`, of an AWSRequest with the same method, URL, headers and body. */
struct vector
{
  const char *method;
  const char *host;
  const char *path; /* not encoded */
  struct s3_pair query[PAIRS];
  struct s3_pair headers[PAIRS];
  const char *content_hash;
  const char *token;
  const char *region;
  int expires_s;
  const char *expected;
};

#define PAIR(name, value)                                                                                              \
  {                                                                                                                    \
    { name, sizeof (name) - 1 },                                                                                       \
    {                                                                                                                  \
      value, sizeof (value) - 1                                                                                        \
    }                                                                                                                  \
  }

/* No pairs. */
#define NONE                                                                                                           \
  {                                                                                                                    \
    {                                                                                                                  \
      { NULL, 0 },                                                                                                     \
      {                                                                                                                \
        NULL, 0                                                                                                        \
      }                                                                                                                \
    }                                                                                                                  \
  }

static const struct vector signed_vectors[] = {
  { "GET", "bucket.s3.eu-central-1.amazonaws.com", "/tally/sha256/ab/cdef", NONE, NONE, EMPTY_HASH, "", "eu-central-1",
    0,
    "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261125/eu-central-1/s3/aws4_request, "
    "SignedHeaders=host;x-amz-content-sha256;x-amz-date, "
    "Signature=5b8ff5ed467b0adf6b685146ca5d291b72c6c5f5ab5a0bcb3e3a11d8db8bf403" },
  { "PUT", "127.0.0.1:9000", "/bucket/a b/é&+=#%~-._/x", NONE, NONE,
    "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824", "", "eu-central-1", 0,
    "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261125/eu-central-1/s3/aws4_request, "
    "SignedHeaders=host;x-amz-content-sha256;x-amz-date, "
    "Signature=b6ce71c43ffb040d3158f83edacfe325affc2846cd8d9528561165edbf5115a9" },
  { "GET",
    "127.0.0.1:9000",
    "/bucket",
    { PAIR ("list-type", "2"), PAIR ("prefix", "tally/tmp/"), PAIR ("start-after", "a b"), PAIR ("a-b", "1"),
      PAIR ("a", "2"), PAIR ("uploads", "") },
    NONE,
    EMPTY_HASH,
    "",
    "eu-central-1",
    0,
    "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261125/eu-central-1/s3/aws4_request, "
    "SignedHeaders=host;x-amz-content-sha256;x-amz-date, "
    "Signature=3a3158e28f6be5e7acd19782a6ddfd61044b7398d0383f862e7340c602e6b587" },
  { "PUT",
    "127.0.0.1:9000",
    "/bucket/k",
    NONE,
    { PAIR ("x-amz-copy-source-range", "bytes=0-9"), PAIR ("x-amz-copy-source", "/bucket/a%20b") },
    EMPTY_HASH,
    TOKEN,
    "eu-central-1",
    0,
    "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261125/eu-central-1/s3/aws4_request, "
    "SignedHeaders=host;x-amz-content-sha256;x-amz-copy-source;x-amz-copy-source-range;x-amz-date;"
    "x-amz-security-token, Signature=00098896c3cda8b808a58ff1c09dde27166669622566a06f1f28415b4d97b59b" },
};

static const struct vector presigned_vectors[] = {
  { "GET",
    "bucket.s3.eu-central-1.amazonaws.com",
    "/tally/sha256/ab/cdef",
    { PAIR ("response-content-disposition", "attachment; filename*=UTF-8''a%20b.txt"),
      PAIR ("response-content-type", "text/plain; charset=utf-8") },
    NONE,
    NULL,
    "",
    "eu-central-1",
    300,
    "7dc2c5975ea437be0fe0a938ad970f91194841e472463d19d3fed6feed17b042" },
  { "PUT",
    "127.0.0.1:9000",
    "/bucket/tally/tmp/x y",
    { PAIR ("partNumber", "7"), PAIR ("uploadId", "a/b+c==") },
    NONE,
    NULL,
    TOKEN,
    "us-east-1",
    604800,
    "9fe8fd5b974a3b7cefc19f3d726d4a65c65a66df8f6afe3426c65851e1531e80" },
};

static size_t
count_pairs (const struct s3_pair pairs[PAIRS])
{
  size_t count = 0;

  while (count < PAIRS && NULL != pairs[count].name.data)
    count++;
  return count;
}

/* Sign a vector either way; the caller frees `out`. */
static void
sign (struct buffer *out, const struct vector *vector)
{
  const struct s3_credentials credentials = { KEY_ID, SECRET, vector->token, vector->region };
  struct buffer path;
  struct s3_request request = {
    vector->method,  slice_of (vector->host),      { NULL, 0 }, vector->query, count_pairs (vector->query),
    vector->headers, count_pairs (vector->headers)
  };

  buffer_init (out, MAX_BYTES);
  buffer_init (&path, MAX_BYTES);
  ck_assert (s3_encode_path (&path, slice_of (vector->path)));
  request.path = buffer_slice (&path);
  if (NULL != vector->content_hash)
    ck_assert (s3_sign_headers (out, &request, vector->content_hash, TIME, &credentials));
  else
    ck_assert (s3_sign_query (out, &request, vector->expires_s, TIME, &credentials));
  buffer_free (&path);
}

START_TEST (signs_as_botocore)
{
  struct buffer out;

  for (size_t i = 0; i < sizeof (signed_vectors) / sizeof (signed_vectors[0]); i++)
  {
    sign (&out, &signed_vectors[i]);
    ck_assert_str_eq (out.data, signed_vectors[i].expected);
    buffer_free (&out);
  }
  for (size_t i = 0; i < sizeof (presigned_vectors) / sizeof (presigned_vectors[0]); i++)
  {
    char *signature;

    sign (&out, &presigned_vectors[i]);
    signature = strstr (out.data, "&X-Amz-Signature=");
    ck_assert_ptr_nonnull (signature);
    ck_assert_str_eq (signature + strlen ("&X-Amz-Signature="), presigned_vectors[i].expected);
    buffer_free (&out);
  }
}
END_TEST

START_TEST (writes_the_query_of_a_url)
{
  struct buffer out;

  sign (&out, &presigned_vectors[1]);
  ck_assert_str_eq (out.data, "X-Amz-Algorithm=AWS4-HMAC-SHA256"
                              "&X-Amz-Credential=AKIDEXAMPLE%2F20261125%2Fus-east-1%2Fs3%2Faws4_request"
                              "&X-Amz-Date=20261125T224012Z&X-Amz-Expires=604800&X-Amz-Security-Token=To%2Fken%2B%3D%3D"
                              "&X-Amz-SignedHeaders=host&partNumber=7&uploadId=a%2Fb%2Bc%3D%3D"
                              "&X-Amz-Signature=9fe8fd5b974a3b7cefc19f3d726d4a65c65a66df8f6afe3426c65851e1531e80");
  buffer_free (&out);
}
END_TEST

/* Whatever is changed in a request, its signature is another; what is only ordered otherwise keeps it. */
START_TEST (covers_everything)
{
  const struct vector plain = { .method = "PUT",
                                .host = "h",
                                .path = "/b/k",
                                .query = { PAIR ("a", "1"), PAIR ("b", "2") },
                                .headers = { PAIR ("x-amz-a", "1"), PAIR ("x-amz-b", "2") },
                                .content_hash = S3_NO_HASH,
                                .token = "",
                                .region = "r" };
  struct vector turned = plain;
  struct vector changed[9];
  struct buffer expected;
  struct buffer out;

  for (size_t i = 0; i < sizeof (changed) / sizeof (changed[0]); i++)
    changed[i] = plain;
  changed[0].method = "GET";
  changed[1].host = "g";
  changed[2].path = "/b/K";
  changed[3].query[1].value = SLICE ("3");
  changed[4].query[1].name = SLICE ("c");
  changed[5].headers[0].value = SLICE ("2");
  changed[6].content_hash = EMPTY_HASH;
  changed[7].token = "t";
  changed[8].region = "s";
  sign (&expected, &plain);
  for (size_t i = 0; i < sizeof (changed) / sizeof (changed[0]); i++)
  {
    sign (&out, &changed[i]);
    ck_assert_msg (0 != strcmp (strstr (out.data, "Signature="), strstr (expected.data, "Signature=")), "%zu", i);
    buffer_free (&out);
  }
  turned.query[0] = plain.query[1];
  turned.query[1] = plain.query[0];
  turned.headers[0] = plain.headers[1];
  turned.headers[1] = plain.headers[0];
  sign (&out, &turned);
  ck_assert_str_eq (out.data, expected.data);
  /* The secret itself is nowhere. */
  ck_assert_ptr_null (strstr (out.data, SECRET));
  buffer_free (&out);
  buffer_free (&expected);
}
END_TEST

START_TEST (encodes)
{
  const struct s3_pair query[] = { PAIR ("b", "x y"), PAIR ("a-", "1"), PAIR ("a", "2"), PAIR ("a", "/+~") };
  struct buffer out;
  char text[S3_TIME_BYTES];

  buffer_init (&out, MAX_BYTES);
  ck_assert (s3_encode_path (&out, SLICE ("/a/b c//\xC3\xA9+&=?#%2F~-._*'()/")));
  ck_assert_str_eq (out.data, "/a/b%20c//%C3%A9%2B%26%3D%3F%23%252F~-._%2A%27%28%29/");
  buffer_clear (&out);
  ck_assert (s3_encode_query (&out, query, 4));
  ck_assert_str_eq (out.data, "a=%2F%2B~&a=2&a-=1&b=x%20y");
  buffer_clear (&out);
  ck_assert (s3_encode_query (&out, NULL, 0));
  ck_assert_uint_eq (out.len, 0);
  buffer_free (&out);
  /* A buffer that is too small says so. */
  buffer_init (&out, 10);
  ck_assert (! s3_encode_query (&out, query, 4));
  buffer_free (&out);
  s3_time_format (text, 1795646412);
  ck_assert_str_eq (text, "20261125T224012Z");
  s3_time_format (text, 0);
  ck_assert_str_eq (text, "19700101T000000Z");
}
END_TEST

Suite *s3_sign_suite (void);

Suite *
s3_sign_suite (void)
{
  Suite *suite = suite_create ("s3_sign");
  TCase *all = tcase_create ("all");

  tcase_add_test (all, signs_as_botocore);
  tcase_add_test (all, writes_the_query_of_a_url);
  tcase_add_test (all, covers_everything);
  tcase_add_test (all, encodes);
  suite_add_tcase (suite, all);
  return suite;
}
