"""Every setting, from the environment, with defaults that run on one machine."""

from pathlib import Path

from csp.constants import NONCE, NONE, SELF
from django.utils.translation import gettext_lazy as _
from environs import Env

from scrm import embedded
from scrm.lib import dsn, secrets

env = Env()
BASE_DIR = Path(__file__).resolve().parent.parent

# -- Where everything lives ----------------------------------------------------------------------
DATA_DIR = Path(env.str("DATA_DIR", default="") or BASE_DIR / ".data").expanduser().resolve()
PORT = env.int("PORT", default=8000)
BASE_URL = env.str("BASE_URL", default=f"http://127.0.0.1:{PORT}").rstrip("/")
MEDIA_ROOT = DATA_DIR / "files"

# -- Safety --------------------------------------------------------------------------------------
DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = env.str("SECRET_KEY", default="") or secrets.kept(DATA_DIR / "secret.key")
# Keys of one's own are given by FIELD_KEYS; else they stand in a file, which `manage.py rotate_keys` writes.
FIELD_KEYS = env.str("FIELD_KEYS", default="")
FIELD_KEY_FILE = None if FIELD_KEYS else DATA_DIR / "field.key"
FIELD_KEYS = FIELD_KEYS or secrets.kept(DATA_DIR / "field.key", prefix="k1:")
# What identities are found by. Without one it follows from the oldest of FIELD_KEYS, which then cannot be retired.
INDEX_KEY = env.str("INDEX_KEY", default="")
INDEX_KEY_FILE = DATA_DIR / "index.key"
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["127.0.0.1", "localhost", "[::1]"])
CSRF_TRUSTED_ORIGINS: list[str] = env.list("CSRF_TRUSTED_ORIGINS", default=[])
HTTPS = BASE_URL.startswith("https://")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_AGE = 12 * 3600  # from signing in; closing the browser does not end it
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if HTTPS else 0
# How many proxies of our own stand in front: so far X-Forwarded-For is believed (sign-ins, who looked).
PROXIES = env.int("PROXIES", default=0)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("MinimumLengthValidator", "CommonPasswordValidator", "NumericPasswordValidator")
]
AUTH_USER_MODEL = "staff.User"
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "/"
# Webhooks may only reach public addresses unless this is set (tests, a receiver of one's own).
ALLOW_PRIVATE_TARGETS = env.bool("ALLOW_PRIVATE_TARGETS", default=False)
# Mail servers inside one's own network, "host" or "host:port"; the inbox that `make up` starts is always allowed.
PRIVATE_MAIL_SERVERS: list[str] = env.list("PRIVATE_MAIL_SERVERS", default=[])
UPLOAD_LIMIT_MB = env.int("UPLOAD_LIMIT_MB", default=2048)
# After so many days an uploaded file goes, with its refused rows and samples; the run and its counts stay.
IMPORT_KEEP_DAYS = env.int("IMPORT_KEEP_DAYS", default=30)
# How long a merge of members can be undone; then what it takes is forgotten.
MERGE_UNDO_DAYS = env.int("MERGE_UNDO_DAYS", default=365)
DATA_UPLOAD_MAX_NUMBER_FIELDS = 5000

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF, NONCE],  # the nonce is for the import map alone
        "style-src-elem": [SELF],
        "style-src-attr": ["'unsafe-inline'"],  # ECharts' tooltips write style attributes
        "img-src": [SELF, "data:", "blob:"],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}

# -- Databases and queues ------------------------------------------------------------------------
DATABASES = {
    "default": {
        **dsn.database(env.str("DATABASE_URL", default="") or embedded.database_url(DATA_DIR)),
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
    }
}
REDIS_URL = env.str("REDIS_URL", default="") or embedded.redis_url(DATA_DIR)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Messages only say "look now": PostgreSQL holds the truth, so nothing is kept in Redis.
CELERY_BROKER_URL = REDIS_URL
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_MAX_TASKS_PER_CHILD = 500
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 3600,
    "socket_keepalive": True,
    "socket_timeout": 30,
    "health_check_interval": 25,
}
CELERY_TIMEZONE = "Asia/Shanghai"

# -- Mail ----------------------------------------------------------------------------------------
# The catch-all inbox that `make up` starts; a campaign's own SMTP server is set on its connector.
INBOX_PORT = env.int("INBOX_PORT", default=PORT + 1000)
INBOX_DIR = DATA_DIR / "inbox"

# -- Apps ----------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "django_cotton.apps.SimpleAppConfig",
    "template_partials.apps.SimpleAppConfig",
    "django_htmx",
    "django_filters",
    "csp",
    "rest_framework",
    "drf_spectacular",
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.contrib.humanize",
    "scrm.apps.ScrmConfig",
    "scrm.staff",
    "scrm.jobs",
    "members",
    "touchpoints",
    "loyalty",
    "segmentation",
    "campaigns",
    "insights",
]

MIDDLEWARE = [
    "scrm.lib.guard.NoNulls",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "scrm.lib.toasts.ToastMiddleware",
    "csp.middleware.CSPMiddleware",
    "members.access.PoolMiddleware",
]
ROOT_URLCONF = "scrm.urls"
WSGI_APPLICATION = "scrm.wsgi.application"

# -- Pages ---------------------------------------------------------------------------------------
# Cotton turns <c-card> into templates/cotton/card.html; template_partials gives {% partialdef %}
# (built into Django 6), so a view can answer with one fragment of a page.
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {
            "loaders": [
                (
                    "template_partials.loader.Loader",
                    [
                        (
                            "django.template.loaders.cached.Loader",
                            [
                                "django_cotton.cotton_loader.Loader",
                                "django.template.loaders.filesystem.Loader",
                                "django.template.loaders.app_directories.Loader",
                            ],
                        )
                    ],
                )
            ],
            "builtins": [
                "django.templatetags.i18n",
                "django.templatetags.l10n",
                "django.templatetags.static",
                "django_cotton.templatetags.cotton",
                "template_partials.templatetags.partials",
                "scrm.lib.formats",
                "scrm.lib.ui",
            ],
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "scrm.shell.shell",
            ],
        },
    }
]

# Chinese is the source language: msgids are Chinese, so zh-hans needs no catalogue.
LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", _("简体中文")), ("en", "English")]
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = "Asia/Shanghai"
USE_TZ = True

STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATICFILES_FINDERS = [
    "django.contrib.staticfiles.finders.FileSystemFinder",
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
    "scrm.lib.assets.NpmFinder",
]
# Hashed, compressed names once `collectstatic` has run; straight from the sources otherwise.
COLLECTED = not DEBUG and (STATIC_ROOT / "staticfiles.json").exists()
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "scrm.lib.assets.StaticStorage" if COLLECTED else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = not COLLECTED
WHITENOISE_KEEP_ONLY_HASHED_FILES = False

# Exactly the files served from node_modules: static name -> file in a package.
NPM_DIR = BASE_DIR / "node_modules"
NPM_FILES = {
    "npm/tabler.css": "@tabler/core/dist/css/tabler.min.css",
    "npm/htmx.js": "htmx.org/dist/htmx.esm.min.js",
    "npm/echarts.js": "echarts/dist/echarts.esm.min.js",
}
# Bare module name -> static name, printed as an import map.
IMPORT_MAP = {
    "htmx": "npm/htmx.js",
    "echarts": "npm/echarts.js",
    "chart-view": "app/chart-view.js",
    "column-order": "app/column-order.js",
}

# -- API -----------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "scrm.staff.tokens.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["scrm.staff.gate.RolePermission"],
    "DEFAULT_PAGINATION_CLASS": "scrm.lib.paging.KeysetPagination",
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "EXCEPTION_HANDLER": "scrm.lib.problems.handle",
    "PAGE_SIZE": 50,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "SCRM API",
    "DESCRIPTION": "Everything the pages do. Tokens carry scopes and belong to one pool.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
    "COMPONENT_SPLIT_REQUEST": True,
    # Names for choices that several components call `kind` or `status`.
    "ENUM_NAME_OVERRIDES": {
        "MemberStatusEnum": "members.models.Member.Status",
        "ImportKindEnum": "members.models.ImportRun.Kind",
        "SegmentKindEnum": "segmentation.models.Segment.Kind",
        "SegmentCadenceEnum": "segmentation.models.Segment.Cadence",
        "SegmentStatusEnum": "segmentation.models.Segment.Status",
        "NoticeStatusEnum": "segmentation.models.SegmentNotice.Status",
        "TagRuleCadenceEnum": "segmentation.models.TagRule.Cadence",
        "CarrierEnum": "members.models.Consent.Carrier",
        "ConsentPurposeEnum": "members.models.Consent.Purpose",
        "ExportPurposeEnum": "members.models.ExportRequest.Purpose",
        "ExportKindEnum": "members.models.ExportRequest.Kind",
        "IdentityKindEnum": "members.models.Identity.Kind",
    },
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name} {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="INFO")},
}
SILENCED_SYSTEM_CHECKS: list[str] = []
