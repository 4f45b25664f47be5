from typing import Any

from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.i18n import set_language

from scrm.staff.models import User

__all__ = ["SignIn", "refused", "set_language"]


class SignIn(LoginView):
    """The way in; on a demo it says which logins there are."""

    template_name = "registration/login.html"
    redirect_authenticated_user = True

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        demo = User.objects.filter(demo_password=True, is_active=True).order_by("pk")
        return super().get_context_data(**kwargs, demo_users=demo)


def refused(request: HttpRequest, exception: Exception) -> HttpResponse:
    """403 names the missing permission."""
    return render(request, "403.html", {"permission": getattr(exception, "permission", "")}, status=403)
