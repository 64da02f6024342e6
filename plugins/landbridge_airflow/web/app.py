from fastapi import FastAPI


def make_app():
    return FastAPI()
