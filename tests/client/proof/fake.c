/* A server in this process.

   DESIGN: one thread accepts, and each connection has a thread. Threads are few and short in tests; nothing is shared
   but counters and the list of sockets that fake_stop shuts down. */
#include "fake.h"

#include "base/buffer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* More connections than any test opens in its life would need a list; these many are open at once at most. */
#define SOCKETS_MAX 64
/* The largest request. */
#define REQUEST_MAX_BYTES (64u << 20)

struct fake
{
  int listener;
  char url[64];
  fake_answer *answer;
  void *payload;
  pthread_t acceptor;
  pthread_mutex_t lock; /* guards what follows */
  pthread_cond_t ended;
  int sockets[SOCKETS_MAX]; /* -1: free */
  unsigned running;
  bool stopping;
  atomic_uint connections;
  atomic_uint requests;
};

struct connection
{
  struct fake *fake;
  int slot;
  int fd;
};

/* Everything that any answer has. Two lists have one element each, so that iterators walk. */
static const char answer_for_all[] =
    "{\"experiment_id\":\"1\",\"run_id\":\"" FAKE_RUN "\",\"model_id\":\"" FAKE_MODEL "\",\"version\":\"1\","
    "\"store_type\":\"SqlStore\",\"workspaces_enabled\":false,\"tally_version\":\"0.1.0\",\"authentication\":true,"
    "\"user\":{\"username\":\"ann\",\"id\":1,\"is_admin\":false},\"ok\":true,"
    "\"experiment\":{\"experiment_id\":\"1\",\"name\":\"e\",\"artifact_location\":\"mlflow-artifacts:/1\","
    "\"lifecycle_stage\":\"active\",\"creation_time\":1,\"last_update_time\":2,\"tags\":[{\"key\":\"k\",\"value\":"
    "\"v\"}]},"
    "\"experiments\":[{\"experiment_id\":\"1\",\"name\":\"e\",\"lifecycle_stage\":\"active\"}],"
    "\"run\":{\"info\":{\"run_id\":\"" FAKE_RUN "\",\"run_uuid\":\"" FAKE_RUN "\",\"run_name\":\"r\","
    "\"experiment_id\":\"1\",\"user_id\":\"u\",\"status\":\"RUNNING\",\"start_time\":1,"
    "\"artifact_uri\":\"mlflow-artifacts:/1/" FAKE_RUN "/artifacts\",\"lifecycle_stage\":\"active\"},"
    "\"data\":{\"metrics\":[{\"key\":\"m\",\"value\":1.5,\"timestamp\":1,\"step\":1}],"
    "\"params\":[{\"key\":\"p\",\"value\":\"v\"}],\"tags\":[{\"key\":\"tally.run_id\",\"value\":\"" FAKE_RUN "\"}]},"
    "\"inputs\":{}},"
    "\"runs\":[{\"info\":{\"run_id\":\"" FAKE_RUN "\",\"experiment_id\":\"1\",\"status\":\"FINISHED\","
    "\"artifact_uri\":\"mlflow-artifacts:/1/" FAKE_RUN "/artifacts\",\"lifecycle_stage\":\"active\"},"
    "\"data\":{\"metrics\":[{\"key\":\"m\",\"value\":\"NaN\",\"timestamp\":\"1\",\"step\":\"1\"}]}}],"
    "\"metrics\":[{\"key\":\"m\",\"value\":1.5,\"timestamp\":1,\"step\":1},"
    "{\"key\":\"m\",\"value\":\"Infinity\",\"timestamp\":2,\"step\":2}],"
    "\"root_uri\":\"mlflow-artifacts:/1/" FAKE_RUN "/artifacts\","
    "\"files\":[{\"path\":\"a.txt\",\"is_dir\":false,\"file_size\":5,\"size\":5,\"sha256\":\"" FAKE_FILE_SHA256 "\"}],"
    "\"artifact_uri\":\"mlflow-artifacts:/1/models/" FAKE_MODEL "/artifacts\","
    "\"model\":{\"info\":{\"model_id\":\"" FAKE_MODEL "\",\"name\":\"lm\",\"experiment_id\":\"1\","
    "\"artifact_uri\":\"mlflow-artifacts:/1/models/" FAKE_MODEL "/artifacts\",\"status\":\"LOGGED_MODEL_READY\","
    "\"creation_timestamp_ms\":1,\"last_updated_timestamp_ms\":2,\"tags\":[{\"key\":\"k\",\"value\":\"v\"}]},"
    "\"data\":{\"params\":[{\"key\":\"p\",\"value\":\"v\"}]}},"
    "\"models\":[{\"info\":{\"model_id\":\"" FAKE_MODEL "\",\"name\":\"lm\",\"experiment_id\":\"1\","
    "\"status\":\"LOGGED_MODEL_READY\"},\"data\":{}}],"
    "\"registered_model\":{\"name\":\"m\",\"latest_versions\":[{\"name\":\"m\",\"version\":\"1\","
    "\"current_stage\":\"None\",\"source\":\"mlflow-artifacts:/1/" FAKE_RUN "/artifacts\"}],"
    "\"aliases\":[{\"alias\":\"prod\",\"version\":\"1\"}]},"
    "\"model_version\":{\"name\":\"m\",\"version\":\"1\",\"status\":\"READY\",\"current_stage\":\"None\","
    "\"source\":\"mlflow-artifacts:/1/" FAKE_RUN "/artifacts\",\"run_id\":\"" FAKE_RUN "\","
    "\"creation_timestamp\":1,\"aliases\":[\"prod\"],\"tags\":[{\"key\":\"k\",\"value\":\"v\"}]},"
    "\"model_versions\":[{\"name\":\"m\",\"version\":\"1\",\"status\":\"READY\",\"aliases\":[\"prod\"]}],"
    "\"met\":true,\"moved\":true,\"from_version\":0,\"to_version\":1,\"previous_version\":0,\"current_version\":1,"
    "\"missing\":[{\"rule\":\"check\",\"kind\":\"check\",\"message\":\"no check\"}],"
    "\"document\":\"{\\\"created_at\\\":1,\\\"files\\\":[{\\\"path\\\":\\\"a.txt\\\",\\\"sha256\\\":"
    "\\\"" FAKE_FILE_SHA256
    "\\\",\\\"size\\\":5}],\\\"format\\\":\\\"tally-manifest-1\\\",\\\"subject\\\":{\\\"run_id\\\":\\\"" FAKE_RUN
    "\\\"}}\",\"signature\":\"AA==\",\"algorithm\":\"Ed25519\",\"key_id\":\"1\"}";

bool
fake_send (int fd, const void *data, size_t bytes)
{
  const char *at = data;

  while (bytes > 0)
  {
    ssize_t sent = send (fd, at, bytes, MSG_NOSIGNAL);

    if (sent <= 0)
      return false;
    at += sent;
    bytes -= (size_t)sent;
  }
  return true;
}

bool
fake_reply (int fd, int status, const char *headers, const char *body, size_t bytes)
{
  char head[1024];
  int length = snprintf (head, sizeof (head), "HTTP/1.1 %d X\r\nContent-Length: %zu\r\n%s\r\n", status, bytes, headers);

  return length > 0 && (size_t)length < sizeof (head) && fake_send (fd, head, (size_t)length)
         && fake_send (fd, body, bytes);
}

bool
fake_json (int fd, int status, const char *json)
{
  return fake_reply (fd, status, "Content-Type: application/json\r\n", json, strlen (json));
}

/* An upload of two parts, of which the first one is there; both may go to this server. */
static bool
send_upload (int fd, const struct fake_request *request)
{
  static const char name[] = "\r\nHost: ";
  const char *host = memmem (request->head.data, request->head.len, name, sizeof (name) - 1);
  const char *end = request->head.data + request->head.len;
  char text[1024];
  int length;

  if (NULL == host)
    return false;
  host += sizeof (name) - 1;
  end = memchr (host, '\r', (size_t)(end - host));
  length = NULL == end ? 0 : (int)(end - host);
  snprintf (text, sizeof (text),
            "{\"upload_id\":\"u\",\"num_parts\":2,\"completed\":false,"
            "\"parts\":[{\"part_number\":1,\"size_bytes\":%d,\"etag\":\"e\"}],\"credentials\":["
            "{\"part_number\":1,\"url\":\"http://%.*s/part/1\",\"headers\":{\"X-Part\":\"1\"}},"
            "{\"part_number\":2,\"url\":\"http://%.*s/part/2\",\"headers\":{\"X-Part\":\"2\"}}]}",
            FAKE_PART_BYTES, length, host, length, host);
  return fake_json (fd, 200, text);
}

bool
fake_default (void *payload, int fd, const struct fake_request *request)
{
  (void)payload;
  if (NULL != strstr (request->path, "/version") && 0 == strcmp (strstr (request->path, "/version"), "/version"))
    return fake_reply (fd, 200, "Content-Type: text/plain\r\n", "3.3.0", 5);
  if (0 == strcmp (request->method, "GET")
      && (NULL != strstr (request->path, "/mlflow-artifacts/artifacts/") || NULL != strstr (request->path, "/download/")
          || NULL != strstr (request->path, "/get-artifact")))
    return fake_reply (fd, 200, "Content-Type: application/octet-stream\r\nETag: \"" FAKE_FILE_SHA256 "\"\r\n",
                       FAKE_FILE, sizeof (FAKE_FILE) - 1);
  if (NULL != strstr (request->path, "/mpu/create") || NULL != strstr (request->path, "/uploads/"))
    return send_upload (fd, request);
  return fake_json (fd, 200, answer_for_all);
}

/* Method and path of a request as texts. False when there are none. */
static bool
read_line (char *method, size_t method_bytes, char **path, const char *data, size_t bytes)
{
  const char *space = memchr (data, ' ', bytes);
  const char *end = NULL == space ? NULL : memchr (space + 1, ' ', bytes - (size_t)(space + 1 - data));

  if (NULL == end || (size_t)(space - data) >= method_bytes)
    return false;
  memcpy (method, data, (size_t)(space - data));
  method[space - data] = '\0';
  *path = strndup (space + 1, (size_t)(end - space - 1));
  return NULL != *path;
}

/* Answer the request at the front of `buffer`. */
static bool
serve_one (const struct connection *connection, const struct buffer *buffer, const struct message *message)
{
  struct fake *fake = connection->fake;
  char method[16];
  char *path = NULL;
  bool keeps;

  if (! read_line (method, sizeof (method), &path, buffer->data, message->head_bytes))
    return false;
  atomic_fetch_add (&fake->requests, 1);
  keeps = fake->answer (
      fake->payload, connection->fd,
      &(struct fake_request){ .method = method,
                              .path = path,
                              .head = { buffer->data, message->head_bytes },
                              .body = { buffer->data + message->head_bytes, message->bytes - message->head_bytes } });
  free (path);
  return keeps;
}

static void
serve (const struct connection *connection)
{
  struct buffer buffer;
  char block[16384];
  ssize_t got;
  bool continued = false;

  buffer_init (&buffer, REQUEST_MAX_BYTES);
  while ((got = recv (connection->fd, block, sizeof (block), 0)) > 0 && buffer_append (&buffer, block, (size_t)got))
  {
    struct message message;
    enum message_state state = message_scan (&message, buffer.data, buffer.len, false, false);

    if (MESSAGE_HEAD == state && message.expects_continue && ! continued)
      continued = fake_send (connection->fd, "HTTP/1.1 100 Continue\r\n\r\n", 25);
    if (MESSAGE_WHOLE != state)
      continue;
    if (! serve_one (connection, &buffer, &message))
      break;
    continued = false;
    buffer_clear (&buffer);
  }
  buffer_free (&buffer);
}

static void *
serve_connection (void *payload)
{
  struct connection *connection = payload;
  struct fake *fake = connection->fake;

  serve (connection);
  pthread_mutex_lock (&fake->lock);
  fake->sockets[connection->slot] = -1;
  close (connection->fd);
  fake->running--;
  pthread_cond_broadcast (&fake->ended);
  pthread_mutex_unlock (&fake->lock);
  free (connection);
  return NULL;
}

static void
take (struct fake *fake, int fd)
{
  struct connection *connection = malloc (sizeof (*connection));
  pthread_t thread;
  int one = 1;

  setsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof (one));
  atomic_fetch_add (&fake->connections, 1);
  pthread_mutex_lock (&fake->lock);
  for (int slot = 0; slot < SOCKETS_MAX && NULL != connection && ! fake->stopping; slot++)
    if (fake->sockets[slot] < 0)
    {
      *connection = (struct connection){ .fake = fake, .slot = slot, .fd = fd };
      fake->sockets[slot] = fd;
      fake->running++;
      if (0 == pthread_create (&thread, NULL, serve_connection, connection))
      {
        pthread_detach (thread);
        pthread_mutex_unlock (&fake->lock);
        return;
      }
      fake->sockets[slot] = -1;
      fake->running--;
      break;
    }
  pthread_mutex_unlock (&fake->lock);
  free (connection);
  close (fd);
}

static void *
accept_all (void *payload)
{
  struct fake *fake = payload;
  int fd;

  while ((fd = accept4 (fake->listener, NULL, NULL, SOCK_CLOEXEC)) >= 0)
    take (fake, fd);
  return NULL;
}

struct fake *
fake_start (fake_answer *answer, void *payload)
{
  struct sockaddr_in address = { .sin_family = AF_INET };
  socklen_t length = sizeof (address);
  struct fake *fake = calloc (1, sizeof (*fake));

  if (NULL == fake)
    return NULL;
  fake->answer = NULL == answer ? fake_default : answer;
  fake->payload = payload;
  memset (fake->sockets, 0xff, sizeof (fake->sockets));
  pthread_mutex_init (&fake->lock, NULL);
  pthread_cond_init (&fake->ended, NULL);
  address.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
  fake->listener = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fake->listener < 0 || 0 != bind (fake->listener, (struct sockaddr *)&address, sizeof (address))
      || 0 != listen (fake->listener, SOCKETS_MAX)
      || 0 != getsockname (fake->listener, (struct sockaddr *)&address, &length)
      || 0 != pthread_create (&fake->acceptor, NULL, accept_all, fake))
  {
    free (fake);
    return NULL;
  }
  snprintf (fake->url, sizeof (fake->url), "http://127.0.0.1:%d", ntohs (address.sin_port));
  return fake;
}

bool
fake_start_apart (char url[64])
{
  int ends[2];
  ssize_t got;

  if (0 != pipe (ends))
    return false;
  if (0 == fork ())
  {
    struct fake *fake;

    prctl (PR_SET_PDEATHSIG, SIGKILL);
    fake = fake_start (NULL, NULL);
    if (NULL == fake || write (ends[1], fake_url (fake), strlen (fake_url (fake))) < 0)
      _exit (1);
    close (ends[1]);
    for (;;)
      pause ();
  }
  close (ends[1]);
  got = read (ends[0], url, 63);
  close (ends[0]);
  url[got > 0 ? got : 0] = '\0';
  return got > 0;
}

const char *
fake_url (const struct fake *fake)
{
  return fake->url;
}

unsigned
fake_connections (const struct fake *fake)
{
  return atomic_load (&fake->connections);
}

unsigned
fake_requests (const struct fake *fake)
{
  return atomic_load (&fake->requests);
}

void
fake_stop (struct fake *fake)
{
  if (NULL == fake)
    return;
  shutdown (fake->listener, SHUT_RDWR);
  pthread_join (fake->acceptor, NULL);
  close (fake->listener);
  pthread_mutex_lock (&fake->lock);
  fake->stopping = true;
  for (int slot = 0; slot < SOCKETS_MAX; slot++)
    if (fake->sockets[slot] >= 0)
      shutdown (fake->sockets[slot], SHUT_RDWR);
  while (fake->running > 0)
    pthread_cond_wait (&fake->ended, &fake->lock);
  pthread_mutex_unlock (&fake->lock);
  pthread_mutex_destroy (&fake->lock);
  pthread_cond_destroy (&fake->ended);
  free (fake);
}
